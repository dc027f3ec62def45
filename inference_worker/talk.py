"""The model from Python, without Redis and without a bot: `examples/cookbook.py` shows all of it."""

import asyncio
import io
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from PIL import Image, ImageOps

from inference_worker.answer_engine import Answered, Text
from inference_worker.app import Loaded, load_native
from inference_worker.history import build_dialogue, build_turn
from inference_worker.settings import WorkerSettings
from jobs import Claim, Conversation, ConversationId, Job, JobKind, Picture, PictureRef, Turn, digest_of
from jobs.errors import PictureGone
from jobs.stored_form import on_white

_Result = TypeVar("_Result")


class Model:
    """A loaded model. `talk` begins a conversation; several may run at once and share every step."""

    def __init__(self, loaded: Loaded, *, lost: "asyncio.Future[None]", ocr_crops: int) -> None:
        self._loaded = loaded
        self._lost = lost
        self._ocr_crops = ocr_crops
        self._talks = 0

    def talk(self) -> "Talk":
        """A new conversation."""
        self._talks += 1
        return Talk(self._loaded, lost=self._lost, name=str(self._talks), ocr_crops=self._ocr_crops)


class Talk:
    """One conversation: it remembers its turns and pictures, and a follow-up costs only its new words."""

    def __init__(self, loaded: Loaded, *, lost: "asyncio.Future[None]", name: str, ocr_crops: int) -> None:
        self._loaded = loaded
        self._lost = lost  # raises what the engine was lost by
        self._id = ConversationId(platform="python", tenant="-", channel=name)
        self._ocr_crops = ocr_crops
        self._turns: tuple[Turn, ...] = ()
        self._stored: dict[str, bytes] = {}

    async def ask(self, question: str, *pictures: str | Path, kind: JobKind = JobKind.ASK) -> str:
        """The whole answer. `pictures` are files, new to the conversation or not.

        Raises:
            Refused: it cannot be answered as asked (nothing to compare, too long).
            Unavailable: somebody else must do something about it; EngineLost: nothing is answered here any more.
            OSError: a file cannot be read, or is not a picture.
        """
        return "".join([text async for text in self.stream(question, *pictures, kind=kind)]).strip()

    async def stream(self, question: str, *pictures: str | Path, kind: JobKind = JobKind.ASK) -> AsyncGenerator[str]:
        """The answer as it is written; see `ask`."""
        source = f"{self._id.channel}.{len(self._turns)}"  # of all talks: answers are told apart by it
        job = Job(conversation=self._id, source=source, kind=kind, text=question)
        claim = Claim(job=job, pictures=tuple(self._read(Path(path), kind) for path in pictures))
        dialogue = build_dialogue(
            claim,
            Conversation(id=self._id, turns=self._turns),
            presets=self._loaded.presets,
            ocr_crops=self._ocr_crops,
            load_picture=self._load,
        )
        words: list[str] = []
        answered: Answered | None = None
        try:
            async with aclosing(self._loaded.engine.answer(dialogue)) as parts:
                while (part := await _unless_lost(anext(parts, None), self._lost)) is not None:
                    if isinstance(part, Text):
                        words.append(part.text)
                        yield part.text
                    else:
                        answered = part
        finally:
            self._turns += (build_turn(claim, dialogue, "".join(words).strip(), answered),)

    def _read(self, path: Path, kind: JobKind) -> Picture:
        with Image.open(path) as file:
            upright = on_white(ImageOps.exif_transpose(file))
        png = io.BytesIO()
        upright.save(png, "PNG")
        stored = png.getvalue()
        digest = digest_of(stored)
        self._stored[digest] = stored
        ref = PictureRef(platform="python", origin=str(path), name=path.name)
        picture = Picture(digest=digest, width=upright.width, height=upright.height, ref=ref)
        return msgspec.structs.replace(picture, max_crops=self._ocr_crops) if kind is JobKind.OCR else picture

    async def _load(self, picture: Picture) -> bytes:
        if picture.digest not in self._stored:
            raise PictureGone(number=picture.number)
        return self._stored[picture.digest]


@asynccontextmanager
async def open_model(name: str = "tiny") -> AsyncIterator[Model]:
    """A model by hub name, by folder, or `tiny`; everything else from `WORKER_*` as in the worker.

    Raises:
        Unavailable: it cannot be found, read or held.
    """
    settings = WorkerSettings.read().model_copy(update={"model": name})
    loaded = load_native(settings)
    loaded.engine.start()
    lost = asyncio.create_task(loaded.engine.watch())
    try:
        yield Model(loaded, lost=lost, ocr_crops=settings.ocr_crops)
    finally:
        lost.cancel()
        await loaded.engine.close()


async def _unless_lost(work: Awaitable[_Result], lost: "asyncio.Future[None]") -> _Result:
    """What the work comes to. A lost engine leaves it open for ever: its error is raised then."""
    task = asyncio.ensure_future(work)
    try:
        either: list[asyncio.Future[Any]] = [task, lost]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            lost.result()
        return task.result()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
