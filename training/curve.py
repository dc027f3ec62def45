"""How a training went: `curve.jsonl`, and a picture of it."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """After so many minutes of training: the share of answers all of whose words were the likeliest, told the others."""

    minutes: float
    dialogues: int
    loss: float  # of the words, mean over the answers' tokens
    exact: float
    held_out: bool


def read_curve(path: Path) -> list[Point]:
    """The points in order. A line about held-out dialogues belongs to the step of the line before it."""
    return list(_points(path.read_bytes().splitlines()))


def join_curves(paths: Sequence[Path]) -> list[Point]:
    """Of sittings, one after the other: each begins at the minute at which the one before ended."""
    joined: list[Point] = []
    for path in paths:
        before = joined[-1].minutes if joined else 0.0
        joined += [msgspec.structs.replace(point, minutes=before + point.minutes) for point in read_curve(path)]
    return joined


def draw_curve(points: list[Point], out: Path) -> None:
    """An SVG or PNG, as the name says; the same points give the same file."""
    from matplotlib import rc_context  # noqa: PLC0415 - takes a second, and only this needs it
    from matplotlib.figure import Figure  # noqa: PLC0415 - as above

    figure = Figure(figsize=(8, 3.2), layout="constrained")
    exact, loss = figure.subplots(1, 2)
    for held_out, colour, name in ((False, "#9ab", "drawn for training"), (True, "#c30", "held out")):
        chosen = [point for point in points if point.held_out is held_out]
        minutes = [point.minutes for point in chosen]
        exact.plot(minutes, [100 * point.exact for point in chosen], color=colour, label=name, linewidth=1.5)
        loss.plot(minutes, [point.loss for point in chosen], color=colour, linewidth=1.5)
    exact.set_ylabel("answers exactly right, %")
    exact.set_ylim(0, 100)
    exact.legend(frameon=False, loc="lower right")
    loss.set_ylabel("loss, nats a token")
    loss.set_yscale("log")
    for axes in (exact, loss):
        axes.set_xlabel("minutes of training")
        axes.spines[["top", "right"]].set_visible(False)
    with rc_context({"svg.hashsalt": "curve"}):
        figure.savefig(out, metadata={"Date": None} if out.suffix == ".svg" else None)


def _points(lines: list[bytes]) -> Iterator[Point]:
    minutes, dialogues = 0.0, 0
    for line in lines:
        told: dict[str, Any] = msgspec.json.decode(line)
        minutes, dialogues = told.get("minutes", minutes), told.get("dialogues", dialogues)
        for name in ("seen", "held_out"):
            if name in told:
                yield Point(
                    minutes=minutes,
                    dialogues=dialogues,
                    loss=told[name]["losses"]["words"],
                    exact=told[name]["exact"],
                    held_out=name == "held_out",
                )
