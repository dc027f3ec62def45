"""Who answers in the engine's benchmark: our engine, the way of the model card, and any OpenAI-compatible server."""

import asyncio
import io
import random
import time
from collections.abc import Generator, Sequence
from contextlib import aclosing
from typing import Protocol

import msgspec
import openai
import torch
from openai.types.chat import ChatCompletionMessageParam
from PIL import Image

from inference_worker.answer_engine import Answered
from inference_worker.dialogue import Dialogue
from inference_worker.engine.backends.contiguous import ContiguousAttention, Segment
from inference_worker.engine.contiguous_cache import ContiguousCache
from inference_worker.image.processor import ImageProcessor
from inference_worker.image.tiling import Tiling
from inference_worker.model.phi3v import Phi3V
from inference_worker.native import NativeEngine
from inference_worker.openai_compatible import data_uri
from inference_worker.prompt import PromptBuilder
from jobs import ConversationId, Job, JobKind, Picture, PictureRef, Sampling, Turn, digest_of

USUAL_CROPS = 4  # what a server is started with; other numbers are asked for with the request
REST_S = 1.5  # vLLM 0.32 keeps its core busy for a second after its last answer


class Refused(Exception):
    """A server takes no such request, or is not there."""


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A picture that a question brings."""

    png: bytes
    width: int
    height: int


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """One answer: seconds to its first token and to its last, and how many tokens it has."""

    ttft_s: float
    total_s: float
    tokens: int
    prompt_tokens: int = 0
    cached_tokens: int = 0  # of the prompt, not computed again

    @property
    def tokens_per_s(self) -> float:
        """While decoding."""
        return (self.tokens - 1) / max(self.total_s - self.ttft_s, 1e-9)


class Talk:
    """A conversation under measurement: its turns so far, and its pictures' bytes."""

    def __init__(self, name: str) -> None:
        self.id = ConversationId(platform="bench", tenant="-", channel=name)
        self.turns: tuple[Turn, ...] = ()
        self.stored: dict[str, bytes] = {}

    def dialogue(self, question: str, shown: Sequence[Shown], *, tokens: int, crops: int) -> Dialogue:
        """The next question."""
        brought = []
        for number, one in enumerate(shown, start=1 + len(self.stored)):
            digest = digest_of(one.png)
            self.stored[digest] = one.png
            ref = PictureRef(platform="bench", origin=str(number))
            brought.append(
                Picture(digest=digest, width=one.width, height=one.height, ref=ref, max_crops=crops, number=number)
            )
        job = Job(conversation=self.id, source=f"{self.id.channel} {len(self.turns)}")
        return Dialogue(
            job=job.id,
            conversation=self.id,
            epoch=0,
            turns=self.turns,
            kind=JobKind.ASK,
            question=question,
            pictures=tuple(brought),
            sampling=Sampling(max_new_tokens=tokens),
            load_picture=self._load,
        )

    def keep(self, asked: Dialogue, text: str, *, token_ids: tuple[int, ...] = (), fingerprint: str = "") -> None:
        """The turn joins the conversation."""
        self.turns += (
            Turn(
                source=asked.job.source,
                kind="ask",
                question=asked.question,
                prompt=asked.question,
                pictures=asked.pictures,
                answer=text or "-",
                token_ids=token_ids,
                fingerprint=fingerprint,
            ),
        )

    async def _load(self, picture: Picture) -> bytes:
        return self.stored[picture.digest]


class Contender(Protocol):
    """Somebody who answers."""

    name: str

    async def answer(self, talk: Talk, asked: Dialogue) -> Timing:
        """Answer with exactly as many tokens as asked for, and keep the turn.

        Raises:
            Refused: it cannot be asked this.
        """
        ...

    async def rest(self) -> None:
        """Leave the machine to the others."""
        ...


class Native:
    """The engine as the worker runs it."""

    name = "native"

    def __init__(self, engine: NativeEngine) -> None:
        self.engine = engine

    async def answer(self, talk: Talk, asked: Dialogue) -> Timing:
        began = time.perf_counter()
        text, answered = "", None
        async with aclosing(self.engine.answer(asked)) as parts:
            async for part in parts:
                if isinstance(part, Answered):
                    answered = part
                else:
                    text += part.text
        total_s = time.perf_counter() - began
        assert answered is not None
        talk.keep(asked, text, token_ids=answered.token_ids, fingerprint=answered.fingerprint)
        usage = answered.usage
        return Timing(
            # Not the first text: a piece of noise may be half a character, which is held back.
            ttft_s=total_s - usage.total_s + usage.first_token_s,
            total_s=total_s,
            tokens=usage.new_tokens,
            prompt_tokens=usage.prompt_tokens,
            cached_tokens=usage.cached_tokens,
        )

    async def rest(self) -> None:
        """It rests when it has nothing to do."""


class ModelCard:
    """The way the model card shows: every turn runs the whole conversation again and encodes every picture again."""

    name = "model card"

    def __init__(self, model: Phi3V, prompts: PromptBuilder, processor: ImageProcessor) -> None:
        self.model = model
        self.prompts = prompts
        self.processor = processor
        self._one_at_a_time = asyncio.Lock()

    async def answer(self, talk: Talk, asked: Dialogue) -> Timing:
        began = time.perf_counter()
        async with self._one_at_a_time:
            ids, prompt_tokens, first_s = await asyncio.to_thread(self._generate, talk, asked, began)
        talk.keep(asked, "x" * len(ids))
        return Timing(ttft_s=first_s, total_s=time.perf_counter() - began, tokens=len(ids), prompt_tokens=prompt_tokens)

    async def rest(self) -> None:
        """It rests when it has nothing to do."""

    @torch.inference_mode()
    def _generate(self, talk: Talk, asked: Dialogue, began: float) -> tuple[list[int], int, float]:
        placed = self.prompts.build(asked, reserve=0)
        ids = list(placed.prompt.ids)
        hidden = self.model.embed(torch.tensor(ids).clamp(min=0))
        for slot in placed.prompt.slots:
            with Image.open(io.BytesIO(talk.stored[slot.key.digest])) as picture:
                crops = self.processor.crops(picture, max_crops=slot.key.max_crops)
            hidden[slot.start : slot.stop] = self.model.encode(crops.pixels, [crops.tiling])[0]
        cache = ContiguousCache(self.model.config, dtype=self.model.dtype, device=self.model.device)
        first_s = 0.0
        for _ in range(asked.sampling.max_new_tokens or 0):
            hidden = self._forward(hidden, cache, len(ids))
            ids.append(int(self.model.logits(hidden[-1:]).argmax()))
            first_s = first_s or time.perf_counter() - began
            hidden = self.model.embed(torch.tensor(ids[-1:]))
        return ids[len(placed.prompt.ids) :], len(placed.prompt.ids), first_s

    def _forward(self, hidden: torch.Tensor, cache: ContiguousCache, total: int) -> torch.Tensor:
        cache.reserve(total)
        positions = torch.arange(cache.length, total)
        cos, sin = self.model.rope.cos_sin(positions, long=self.model.rope.uses_long(total))
        segment = Segment(rows=slice(0, len(positions)), cache=cache)
        hidden = self.model(hidden, cos, sin, ContiguousAttention([segment]))
        cache.length = total
        return hidden


class Server:
    """An OpenAI-compatible server, sent the whole conversation each turn as such servers are.

    A server that `sees` nothing gets as many letters (a token each) in the place of a picture as it has positions.
    """

    name = "server"

    def __init__(self, url: str, model: str, processor: ImageProcessor, *, sees: bool) -> None:
        self._client = openai.AsyncOpenAI(base_url=url, api_key="none", timeout=1800, max_retries=0)
        self._model = model
        self._processor = processor
        self._sees = sees

    async def answer(self, talk: Talk, asked: Dialogue) -> Timing:
        began = time.perf_counter()
        first_s = 0.0
        text, tokens, prompt_tokens, cached = "", 0, 0, 0
        try:
            stream = await self._client.chat.completions.create(
                model=self._model,
                messages=self._messages(talk, asked),
                temperature=0.0,
                max_tokens=asked.sampling.max_new_tokens,
                stream=True,
                stream_options={"include_usage": True},
                extra_body={"ignore_eos": True, **self._crops(asked)},
            )
        except openai.APIError as error:
            raise Refused(error.message) from error
        async for chunk in stream:
            if chunk.choices and chunk.choices[0].delta.content:
                first_s = first_s or time.perf_counter() - began
                text += chunk.choices[0].delta.content
            if chunk.usage:
                tokens, prompt_tokens = chunk.usage.completion_tokens, chunk.usage.prompt_tokens
                details = chunk.usage.prompt_tokens_details
                cached = (details.cached_tokens or 0) if details else 0
        talk.keep(asked, text)
        return Timing(
            ttft_s=first_s,
            total_s=time.perf_counter() - began,
            tokens=tokens,
            prompt_tokens=prompt_tokens,
            cached_tokens=cached,
        )

    async def rest(self) -> None:
        await asyncio.sleep(REST_S)

    def _messages(self, talk: Talk, asked: Dialogue) -> list[ChatCompletionMessageParam]:
        messages: list[ChatCompletionMessageParam] = []
        for question, pictures, answer in [
            *((turn.question, turn.pictures, turn.answer) for turn in talk.turns),
            (asked.question, asked.pictures, None),
        ]:
            text = question if self._sees else " ".join([*map(self._letters, pictures), question])
            uris = [data_uri(talk.stored[picture.digest]) for picture in pictures] if self._sees else []
            content = [{"type": "image_url", "image_url": {"url": uri}} for uri in uris]
            messages.append({"role": "user", "content": [*content, {"type": "text", "text": text}]})  # type: ignore[list-item]  # two shapes of parts
            if answer is not None:
                messages.append({"role": "assistant", "content": answer})
        return messages

    def _letters(self, picture: Picture) -> str:
        tiling = self._processor.tile(picture.width, picture.height, max_crops=picture.max_crops)
        return "".join(random.Random(picture.digest).choices("abcdefghijklmnopqrstuvwxyz", k=tiling.tokens))

    def _crops(self, asked: Dialogue) -> dict[str, object]:
        unusual = {picture.max_crops for picture in asked.pictures} - {USUAL_CROPS}
        return {"mm_processor_kwargs": {"num_crops": max(unusual)}} if unusual and self._sees else {}


def blind(model: Phi3V) -> None:
    """Put noise in the place of what the tower would compute, to measure the language model alone."""

    def steps(crops: torch.Tensor, tilings: Sequence[Tiling]) -> Generator[None, None, list[torch.Tensor]]:  # noqa: ARG001 - nobody looks
        yield
        return [torch.randn(one.tokens, model.config.hidden_size, dtype=model.dtype) for one in tilings]

    model.encode_steps = steps  # type: ignore[method-assign]  # for the whole run
