"""Asks a model every question of drawn dialogues, through the product's own engine, prompt and history.

A conversation goes as it would with a person: what came before is what the model itself has answered, and a picture
that comes twice is one picture. Many conversations run at once and share the engine's steps.
"""

import asyncio
import io
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

from PIL import Image

from inference_worker.answer_engine import Answered, Text
from inference_worker.app import Loaded, load_native
from inference_worker.dialogue import Dialogue
from inference_worker.history import build_dialogue, build_turn
from inference_worker.settings import WorkerSettings
from jobs import Claim, Conversation, ConversationId, Job, Picture, PictureRef, Turn, digest_of
from jobs.errors import Refused, Unavailable
from training.records import DialogueRecord

Answers = tuple[str, ...]  # one for each turn

AT_ONCE = 16  # conversations; more gain nothing on a CPU
LONGEST_ANSWER = 256  # tokens; the world's longest true answers have about half


class NoModel(Exception):
    """The model cannot be found, read or held; its argument tells why. It can pass between processes."""


def examine(
    records: Sequence[DialogueRecord], folder: Path, model: str, *, processes: int = 1, share: int = 64
) -> Iterator[tuple[int, Answers]]:
    """The model's answers to each dialogue, as (place in `records`, answers), `share` dialogues at a time.

    Raises:
        NoModel: it cannot be loaded.
    """
    shares = [range(start, min(start + share, len(records))) for start in range(0, len(records), share)]
    # A fork of a process that has started torch's threads can hang.
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        asked = {pool.submit(answer_all, [records[place] for place in share], folder, model): share for share in shares}
        for done in as_completed(asked):
            yield from zip(asked[done], done.result(), strict=True)


def answer_all(records: Sequence[DialogueRecord], folder: Path, model: str) -> list[Answers]:
    """The model's answers to these dialogues, in this process.

    Raises:
        NoModel: it cannot be loaded.
    """
    settings = WorkerSettings.read().model_copy(
        update={"model": model, "max_sequences": AT_ONCE, "max_new_tokens": LONGEST_ANSWER, "temperature": 0.0}
    )
    try:
        loaded = load_native(settings)
    except Unavailable as error:
        raise NoModel(error.sentence) from None
    return asyncio.run(_answer_all(records, folder, loaded, ocr_crops=settings.ocr_crops))


async def _answer_all(
    records: Sequence[DialogueRecord], folder: Path, loaded: Loaded, *, ocr_crops: int
) -> list[Answers]:
    room = asyncio.Semaphore(AT_ONCE)

    async def answer(place: int, record: DialogueRecord) -> Answers:
        async with room:
            talk = _Talk(loaded, str(place), ocr_crops=ocr_crops)
            return tuple(
                [
                    await talk.ask(turn.question, [folder / name for name in record.shown(number)])
                    for number, turn in enumerate(record.turns)
                ]
            )

    loaded.engine.start()
    try:
        return await asyncio.gather(*(answer(place, record) for place, record in enumerate(records)))
    finally:
        await loaded.engine.close()


class _Talk:
    """One conversation with the engine, under a name of its own."""

    def __init__(self, loaded: Loaded, name: str, *, ocr_crops: int) -> None:
        self._loaded = loaded
        self._name = name
        self._id = ConversationId(platform="training", tenant="-", channel=name)
        self._ocr_crops = ocr_crops
        self._turns: tuple[Turn, ...] = ()
        self._stored: dict[str, bytes] = {}

    async def ask(self, question: str, pictures: Sequence[Path]) -> str:
        """The answer, or the sentence with which the question is refused."""
        job = Job(conversation=self._id, source=f"{self._name}.{len(self._turns)}", text=question)
        claim = Claim(job=job, pictures=tuple(self._store(path) for path in pictures))
        try:
            dialogue = build_dialogue(
                claim,
                Conversation(id=self._id, turns=self._turns),
                presets=self._loaded.presets,
                ocr_crops=self._ocr_crops,
                load_picture=self._load,
            )
            answer, answered = await self._answer(dialogue)
        except Refused as refusal:
            return refusal.sentence
        self._turns += (build_turn(claim, dialogue, answer, answered),)
        return answer

    async def _answer(self, dialogue: Dialogue) -> tuple[str, Answered | None]:
        words: list[str] = []
        answered: Answered | None = None
        async for part in self._loaded.engine.answer(dialogue):
            if isinstance(part, Text):
                words.append(part.text)
            else:
                answered = part
        return "".join(words).strip(), answered

    def _store(self, path: Path) -> Picture:
        png = io.BytesIO()
        with Image.open(path) as file:
            width, height = file.size
            file.convert("RGB").save(png, "PNG", compress_level=1)
        digest = digest_of(png.getvalue())
        self._stored[digest] = png.getvalue()
        ref = PictureRef(platform="training", origin=str(path), name=path.name)
        return Picture(digest=digest, width=width, height=height, ref=ref)

    async def _load(self, picture: Picture) -> bytes:
        return self._stored[picture.digest]
