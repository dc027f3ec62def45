"""The whole recipe in small: train, export, load, evaluate. It shows that everything works, not how well it gets."""

import time
from collections.abc import Callable
from pathlib import Path

from training.examination import answer_all
from training.export import export
from training.paper import Which, draw_paper
from training.records import write_records
from training.scores import compare, score
from training.settings import smoke
from training.table import to_json
from training.trainer import CHECKPOINT, train

DIALOGUES = 24  # in the examination


def try_everything(folder: Path, *, tell: Callable[[str], None]) -> str:
    """In an empty folder; tells what it does, and returns the evaluation's JSON line."""
    began = time.monotonic()

    def say(what: str) -> None:
        tell(f"{time.monotonic() - began:6.1f} s  {what}")

    say("Training from nothing")
    train(smoke(folder / "run"), tell=say)
    export(folder / "run" / CHECKPOINT, folder / "model")
    say(f"Exported: {sum(file.stat().st_size for file in (folder / 'model').iterdir()) / 1e6:.1f} MB")
    records = list(write_records(draw_paper(0, DIALOGUES, Which.HELD_OUT), folder / "drawn"))
    say(f"Drawn: {len(records)} dialogues with {sum(len(record.turns) for record in records)} questions")
    scores = score(compare(records, answer_all(records, folder / "drawn", str(folder / "model"))))
    say(f"Evaluated through the engine: {scores.all.right} of {scores.all.asked} right")
    return to_json(scores, model="smoke", seconds=round(time.monotonic() - began, 1))
