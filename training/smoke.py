"""The whole recipe in small: train, export, load, evaluate. It shows that everything works, not how well it gets."""

import time
from collections.abc import Callable
from pathlib import Path

from training.curve import read_curve
from training.examination import answer_all
from training.export import export
from training.paper import Which, draw_paper
from training.records import write_records
from training.scores import compare, score
from training.settings import smoke
from training.table import to_json
from training.trainer import CHECKPOINT, CURVE, train

DIALOGUES = 24  # in the examination
FALL = 0.8  # the loss of the words ends below this part of what it began with; measured: 0.68


class NothingLearnt(Exception):
    """The loss did not fall as it does with this recipe; the argument says from where to where."""


def try_everything(folder: Path, *, tell: Callable[[str], None]) -> str:
    """In an empty folder; tells what it does, and returns the evaluation's JSON line, with the words' losses in it.

    Raises:
        NothingLearnt: the loss did not fall.
    """
    began = time.monotonic()

    def say(what: str) -> None:
        tell(f"{time.monotonic() - began:6.1f} s  {what}")

    say("Training from nothing")
    train(smoke(folder / "run"), tell=say)
    losses = [round(point.loss, 3) for point in read_curve(folder / "run" / CURVE)]
    if losses[-1] > FALL * losses[0]:
        raise NothingLearnt(f"The loss went from {losses[0]} to {losses[-1]}: the recipe does not learn.")
    export(folder / "run" / CHECKPOINT, folder / "model")
    say(f"Exported: {sum(file.stat().st_size for file in (folder / 'model').iterdir()) / 1e6:.1f} MB")
    records = list(write_records(draw_paper(0, DIALOGUES, Which.HELD_OUT), folder / "drawn"))
    say(f"Drawn: {len(records)} dialogues with {sum(len(record.turns) for record in records)} questions")
    scores = score(compare(records, answer_all(records, folder / "drawn", str(folder / "model"))))
    say(f"Evaluated through the engine: {scores.all.right} of {scores.all.asked} right")
    return to_json(scores, model="smoke", losses=losses, seconds=round(time.monotonic() - began, 1))
