"""Any OpenAI-compatible server behind the port (vLLM, SGLang, Ollama ...): every turn goes out each time."""

import asyncio
import base64
import time
from collections.abc import AsyncGenerator, Sequence

import openai
from openai.types.chat import ChatCompletionChunk, ChatCompletionContentPartParam, ChatCompletionMessageParam
from openai.types.completion_usage import CompletionUsage

from inference_worker.answer_engine import CUT_OFF, Answered, Text
from inference_worker.dialogue import Dialogue
from inference_worker.errors import QuestionTooLong, ServerFailed
from inference_worker.sampling import SamplingDefaults, seed_of
from jobs import ConversationId, Picture, Turn, Usage, pictures_shown
from jobs.errors import PictureGone

PNG_MAGIC = b"\x89PNG"
RETRIES = 4  # on 429, 5xx and lost connections, backing off from half a second, honouring Retry-After
CONNECT_S = 10.0
# How vLLM ("longer than the maximum model length"), SGLang and llama.cpp ("available context size") say it.
TOO_LONG = ("context length", "context size", "model length", "too long")
# How vLLM says how many pictures it takes; a proxy says how many bytes (nginx: 1 MB, unless it is told).
TOO_MANY = ("may be provided in one", "limit-mm-per-prompt")
TOO_LARGE = 413
BROKE_OFF = "it broke off before its answer was whole"
NO_STREAM = "what it sends is no streamed answer; is WORKER_OPENAI_BASE_URL right?"
SILENCE_S = 300.0  # before the server says anything, all retries together, and between two words


class OpenAIEngine:
    """Answers through a server that keeps nothing of ours: no token ids come back, and nothing is to be forgotten."""

    def __init__(
        self, *, base_url: str, api_key: str, model: str, defaults: SamplingDefaults, silence_s: float = SILENCE_S
    ) -> None:
        self._client = openai.AsyncOpenAI(
            base_url=base_url,
            api_key=api_key or "none",  # the client insists on one; local servers take any
            max_retries=RETRIES,
            timeout=openai.Timeout(silence_s, connect=CONNECT_S),
        )
        self._silence_s = silence_s
        self._model = model
        self._defaults = defaults

    def start(self) -> None:
        """Nothing runs here."""

    async def watch(self) -> None:
        """See `AnswerEngine.watch`. A server that is away may come back."""
        await asyncio.Event().wait()

    async def answer(self, dialogue: Dialogue) -> AsyncGenerator[Text | Answered]:
        """See `AnswerEngine.answer`. Where the conversation is too much for the server, its older half is left out.

        Raises:
            PictureGone: the question brought pictures and all of them are gone.
            QuestionTooLong: not even the question alone fits the server's context.
            ServerFailed: the server cannot be reached, refuses, says nothing for long, or breaks off.
        """
        turns = dialogue.turns
        began = False
        while True:
            try:
                async for part in self._ask(dialogue, turns):
                    began = True
                    yield part
            except (TimeoutError, openai.APIError) as error:
                too_long, too_much = _is_too_long(error), _has_too_much_to_see(error)
                if began or not (too_long or (too_much and turns)):
                    raise ServerFailed(reason=self._reason(error)) from error
                if not turns:
                    raise QuestionTooLong(tokens="too many", room="fewer") from error
                turns = turns[(len(turns) + 1) // 2 :]
            else:
                return

    def forget(self, conversation: ConversationId, *, epoch: int) -> None:
        """Nothing is kept here."""

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _ask(self, dialogue: Dialogue, turns: Sequence[Turn]) -> AsyncGenerator[Text | Answered]:
        began = time.monotonic()
        first_token_s = 0.0
        counted: CompletionUsage | None = None
        ended: bool | None = None  # None: nothing has come
        messages, notices = await self._messages(dialogue, turns)
        wanted = self._defaults.fill(dialogue.sampling)
        async with asyncio.timeout(self._silence_s):
            stream = await self._client.chat.completions.create(
                model=self._model,
                messages=messages,
                temperature=wanted.temperature,
                top_p=wanted.top_p,
                max_tokens=wanted.max_new_tokens,
                seed=seed_of(dialogue.job),
                stream=True,
                stream_options={"include_usage": True},
            )
        async with stream:  # leaving early closes the connection, and the server stops
            while (chunk := await self._next(stream)) is not None:
                counted = chunk.usage or counted
                choice = next(iter(chunk.choices), None)
                ended = bool(ended or counted or (choice and choice.finish_reason))
                if choice and choice.finish_reason == "length":
                    notices += (CUT_OFF,)
                if choice and choice.delta.content:
                    first_token_s = first_token_s or time.monotonic() - began
                    yield Text(text=choice.delta.content)
        if not ended:  # no reason to end, and no count: a proxy has lost its server, or there is none
            raise ServerFailed(reason=NO_STREAM if ended is None else BROKE_OFF)
        total_s = time.monotonic() - began
        yield Answered(usage=_usage(counted, first_token_s=first_token_s, total_s=total_s), notices=notices)

    async def _next(self, stream: openai.AsyncStream[ChatCompletionChunk]) -> ChatCompletionChunk | None:
        """None at the end. Comments that keep a connection open are no words, and the client's own clock hears them."""
        async with asyncio.timeout(self._silence_s):
            return await anext(stream, None)

    def _reason(self, error: Exception) -> str:
        """What to tell of it; the server's own words may hold anything."""
        match error:
            case TimeoutError() | openai.APITimeoutError():
                return f"it said nothing for {self._silence_s:.0f} s"
            case openai.AuthenticationError():
                return "it refuses the key in WORKER_OPENAI_API_KEY"
            case _ if _has_too_much_to_see(error):
                return "it takes fewer or smaller pictures at once"
            case openai.BadRequestError():
                return f"it refuses the question with status {error.status_code}"
            case openai.APIStatusError():
                return f"it answers with status {error.status_code}"
            case _:
                return "it cannot be reached, or broke off"

    async def _messages(
        self, dialogue: Dialogue, turns: Sequence[Turn]
    ) -> tuple[list[ChatCompletionMessageParam], tuple[str, ...]]:
        """Every turn with its pictures as data URIs; pictures whose bytes are gone are left out and named.

        A picture that came again is shown again where it cannot be seen before: its turn is left out, or forgotten.
        """
        seen: set[tuple[int, str]] = set()  # identities
        notices: list[str] = []
        if len(turns) < len(dialogue.turns):
            notices.append("The beginning of this conversation is out of the model's view by now.")
        messages: list[ChatCompletionMessageParam] = []
        shown: list[ChatCompletionContentPartParam] = []
        standing = [(source, picture.identity) for source, picture in pictures_shown(dialogue.turns)]
        for turn in turns:
            again = _unseen(turn.again, seen)
            if not turn.answer:  # only what no other turn shows: nobody asks about it
                again = tuple(picture for picture in again if (turn.source, picture.identity) in standing)
            shown += await self._shown(dialogue, (*again, *turn.pictures), seen, notices)
            if turn.answer:
                words = turn.prompt or turn.question
                messages.append({"role": "user", "content": [*shown, {"type": "text", "text": words}]})
                messages.append({"role": "assistant", "content": turn.answer})
                shown = []
        shown += await self._shown(dialogue, _unseen(dialogue.again, seen), seen, notices)
        brought = await self._shown(dialogue, dialogue.pictures, seen, notices)
        if dialogue.pictures and not brought:
            raise PictureGone(number=dialogue.pictures[0].number)
        question: ChatCompletionContentPartParam = {"type": "text", "text": dialogue.question}
        messages.append({"role": "user", "content": [*shown, *brought, question]})
        return messages, tuple(notices)

    @staticmethod
    async def _shown(
        dialogue: Dialogue, pictures: Sequence[Picture], seen: set[tuple[int, str]], notices: list[str]
    ) -> list[ChatCompletionContentPartParam]:
        parts: list[ChatCompletionContentPartParam] = []
        for picture in pictures:
            seen.add(picture.identity)
            try:
                stored = await dialogue.load_picture(picture)
            except PictureGone as error:
                notices.append(error.sentence)
                continue
            parts.append({"type": "image_url", "image_url": {"url": data_uri(stored)}})
        return parts


def _unseen(again: Sequence[Picture], seen: set[tuple[int, str]]) -> tuple[Picture, ...]:
    return tuple(picture for picture in again if picture.identity not in seen)


def data_uri(stored: bytes) -> str:
    """The stored form of a picture (PNG or JPEG) as a `data:` URI."""
    kind = "png" if stored.startswith(PNG_MAGIC) else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(stored).decode()}"


def _is_too_long(error: Exception) -> bool:
    """Whether a conversation does not fit. Some servers refuse with 400, others begin to stream and say it there."""
    if isinstance(error, openai.InternalServerError):
        return False  # what takes too long there is something else
    code = error.code if isinstance(error, openai.APIError) else None
    return code == "context_length_exceeded" or any(words in str(error).lower() for words in TOO_LONG)


def _has_too_much_to_see(error: Exception) -> bool:
    """Whether there are more pictures in a conversation, or larger ones, than go out together."""
    if not isinstance(error, openai.APIStatusError):
        return False
    return error.status_code == TOO_LARGE or any(words in str(error) for words in TOO_MANY)


def _usage(counted: CompletionUsage | None, *, first_token_s: float, total_s: float) -> Usage:
    if counted is None:
        return Usage(first_token_s=first_token_s, total_s=total_s)
    details = counted.prompt_tokens_details
    return Usage(
        prompt_tokens=counted.prompt_tokens,
        cached_tokens=(details.cached_tokens or 0) if details else 0,
        new_tokens=counted.completion_tokens,
        first_token_s=first_token_s,
        total_s=total_s,
    )
