"""Asks a model every question of drawn dialogues, through the product's own engine, prompt and history.

A conversation goes as it would with a person: what came before is what the model itself has answered, and a picture
that comes twice is one picture. Many conversations run at once and share the engine's steps.
"""

import asyncio
import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

from inference_worker.app import Loaded, load_native
from inference_worker.settings import WorkerSettings
from inference_worker.talk import Model, Talk
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
    """The model's answers to each dialogue, as (place in `records`, answers), at most `share` dialogues at a time.

    Raises:
        NoModel: it cannot be loaded.
    """
    share = max(1, min(share, math.ceil(len(records) / processes)))  # everybody has something to do
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
    loaded.engine.start()
    lost = asyncio.create_task(loaded.engine.watch())
    model = Model(loaded, lost=lost, ocr_crops=ocr_crops)

    async def answer(record: DialogueRecord) -> Answers:
        async with room:
            talk = model.talk()
            return tuple([await _ask(talk, record, turn, folder) for turn in range(len(record.turns))])

    try:
        return await asyncio.gather(*map(answer, records))
    finally:
        lost.cancel()
        await loaded.engine.close()


async def _ask(talk: Talk, record: DialogueRecord, turn: int, folder: Path) -> str:
    """The answer, or the sentence with which the question is refused."""
    try:
        return await talk.ask(record.turns[turn].question, *(folder / name for name in record.shown(turn)))
    except Refused as refusal:
        return refusal.sentence
