"""The native engine behind the port: dialogue to prompt, tokens to text, pictures fetched when they are needed."""

import asyncio
import io
import time
from collections.abc import AsyncGenerator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import aclosing

import msgspec
from PIL import Image

from inference_worker.answer_engine import CUT_OFF, Answered, Text
from inference_worker.dialogue import Dialogue
from inference_worker.engine.async_engine import AsyncEngine
from inference_worker.engine.request import ConversationKey, PictureKey, Request, SamplingParams, Token
from inference_worker.gone_pictures import GonePictures
from inference_worker.image.processor import Crops, ImageProcessor
from inference_worker.model.tokenizer import TextStream, Tokenizer
from inference_worker.prompt import PlacedPrompt, PromptBuilder
from inference_worker.sampling import SamplingDefaults, seed_of
from jobs import ConversationId, Picture, Usage
from jobs.errors import PictureGone


class NativeEngine:
    """Answers with the model in this process. Between `start` and `close`."""

    def __init__(
        self,
        engine: AsyncEngine,
        tokenizer: Tokenizer,
        processor: ImageProcessor,
        *,
        prompts: PromptBuilder,
        context: int,
        stop_ids: frozenset[int],
        defaults: SamplingDefaults,
    ) -> None:
        self._engine = engine
        self._tokenizer = tokenizer
        self._processor = processor
        self._prompts = prompts
        self._context = context
        self._stop_ids = stop_ids
        self._defaults = defaults
        self._gone = GonePictures()
        self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="pictures")

    def start(self) -> None:
        """Begin to answer, on the running event loop."""
        self._engine.start()

    async def watch(self) -> None:
        """See `AnswerEngine.watch`."""
        await self._engine.watch()

    async def answer(self, dialogue: Dialogue) -> AsyncGenerator[Text | Answered]:
        """See `AnswerEngine.answer`. Pictures whose bytes are gone are left out, and the person is told.

        Raises:
            PictureGone: the question brought pictures and all of them are gone; or one went in mid-answer.
            QuestionTooLong: it does not fit the model's context.
        """
        gone = await self._still_gone(dialogue)
        while True:
            if dialogue.pictures and all(picture.digest in gone for picture in dialogue.pictures):
                raise PictureGone(number=dialogue.pictures[0].number)
            placed = self._place(dialogue, gone)
            began = False
            try:
                async with aclosing(self._generate(dialogue, placed)) as parts:
                    async for part in parts:
                        began = True
                        yield part
            except _PictureMissing as missing:
                if not dialogue.one_shot:  # the conversation's own cache may know it still
                    self._gone.add(dialogue.conversation, missing.digest)
                if began:  # a second answer behind the first half of this one would be nonsense
                    raise PictureGone(number=_numbers_of({missing.digest}, dialogue)[0]) from None
                gone.add(missing.digest)
            else:
                return

    def forget(self, conversation: ConversationId, *, epoch: int) -> None:
        """See `AnswerEngine.forget`."""
        self._engine.forget(str(conversation), epoch=epoch)
        self._gone.forget(conversation)

    async def close(self) -> None:
        """Stop the engine's thread and the threads that prepare pictures."""
        await self._engine.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _still_gone(self, dialogue: Dialogue) -> set[str]:
        """Digests of the pictures that were missed here before and are missing still.

        The bytes come back when somebody posts the picture again, or the bot finds it where it came from.
        """
        missed = self._gone.of(dialogue.conversation)
        gone: set[str] = set()
        for picture in _pictures_of(dialogue):
            if picture.digest in missed - gone:
                try:
                    await dialogue.load_picture(picture)
                except PictureGone:
                    gone.add(picture.digest)
                else:
                    self._gone.remove(dialogue.conversation, picture.digest)
        return gone

    def _place(self, dialogue: Dialogue, gone: set[str]) -> PlacedPrompt:
        """The prompt without the pictures that are gone, and what to tell the person."""
        reserve = min(self._defaults.fill(dialogue.sampling).max_new_tokens, self._context // 4)
        placed = self._prompts.build(dialogue, reserve=reserve, without=frozenset(gone))
        notices = tuple(PictureGone(number=number).sentence for number in _numbers_of(gone, dialogue))
        return msgspec.structs.replace(placed, notices=(*notices, *placed.notices))

    async def _generate(self, dialogue: Dialogue, placed: PlacedPrompt) -> AsyncGenerator[Text | Answered]:
        began = time.monotonic()
        first_token_s = 0.0
        cached = 0
        ids: list[int] = []
        notices = placed.notices
        words = TextStream(self._tokenizer)
        async with aclosing(self._engine.generate(self._request(dialogue, placed))) as outputs:
            async for output in outputs:
                cached = output.cached_tokens
                if isinstance(output, Token):
                    first_token_s = first_token_s or time.monotonic() - began
                    ids.append(output.token_id)
                    text = words.push([output.token_id])
                else:
                    text = words.finish()
                    notices += (CUT_OFF,) if output.reason == "length" else ()
                if text:
                    yield Text(text=text)
        yield Answered(
            usage=Usage(
                prompt_tokens=len(placed.prompt.ids),
                cached_tokens=cached,
                new_tokens=len(ids),
                first_token_s=first_token_s,
                total_s=time.monotonic() - began,
            ),
            notices=notices,
            token_ids=tuple(ids),
            fingerprint=self._tokenizer.fingerprint,
        )

    def _request(self, dialogue: Dialogue, placed: PlacedPrompt) -> Request:
        loop = asyncio.get_running_loop()

        def load_crops(key: PictureKey) -> Future[Crops]:
            picture = placed.pictures[key]
            return asyncio.run_coroutine_threadsafe(self._load_crops(dialogue, picture, key.max_crops), loop)

        wanted = self._defaults.fill(dialogue.sampling)
        return Request(
            id=str(dialogue.job),
            conversation=ConversationKey(
                name=str(dialogue.conversation), epoch=dialogue.epoch, tenant=dialogue.conversation.tenant_key
            ),
            resident=not dialogue.one_shot,
            prompt=placed.prompt,
            sampling=SamplingParams(
                temperature=wanted.temperature,
                top_p=wanted.top_p,
                max_new_tokens=min(wanted.max_new_tokens, self._context - len(placed.prompt.ids)),
                seed=seed_of(dialogue.job),
                stop_ids=self._stop_ids,
            ),
            load_crops=load_crops,
        )

    async def _load_crops(self, dialogue: Dialogue, picture: Picture, max_crops: int) -> Crops:
        try:
            stored = await dialogue.load_picture(picture)
        except PictureGone:
            raise _PictureMissing(picture.digest) from None
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._cut, stored, max_crops)

    def _cut(self, stored: bytes, max_crops: int) -> Crops:
        with Image.open(io.BytesIO(stored)) as picture:
            return self._processor.crops(picture, max_crops=max_crops)


class _PictureMissing(Exception):
    """The bytes of a picture are gone: the prompt is built again without it."""

    def __init__(self, digest: str) -> None:
        super().__init__(digest)
        self.digest = digest


def _pictures_of(dialogue: Dialogue) -> Iterator[Picture]:
    for turn in dialogue.turns:
        yield from (*turn.again, *turn.pictures)
    yield from (*dialogue.again, *dialogue.pictures)


def _numbers_of(digests: set[str], dialogue: Dialogue) -> list[int]:
    """As this conversation numbers them: another may have asked for them first."""
    return list(dict.fromkeys(picture.number for picture in _pictures_of(dialogue) if picture.digest in digests))
