"""The model card: what the model is, how it was made and how well it does, every number from where it was measured."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import jinja2
import msgspec
from safetensors import safe_open

from inference_worker.model.config import read_config
from training.curve import Point, read_curve
from training.scores import ASPECTS, BARS, UNSEEN_PHRASINGS, rank
from training.settings import CHATTER
from training.talk.conversation import LONGEST
from training.world import colours, faces, forms

TEMPLATE = Path(__file__).with_name("card.md.jinja")


class NotMeasured(Exception):
    """A file is not there, or does not hold what a card tells; the argument says which and what."""


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """The share of right answers, and how many questions were asked."""

    exact: float
    asked: int


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What `evaluate` tells of one set of dialogues; see `training.scores.Scores`."""

    exact: float
    asked: int
    bars: dict[str, Counted]
    by: dict[str, dict[str, Counted]]
    unseen_phrasings: float | None = None


def write_card(
    out: Path,
    *,
    model: Path,
    scores: Mapping[str, Path],
    curves: Sequence[Path],
    history: str = "",
    drawn: str | None = None,
) -> None:
    """`scores` by name: files whose last line is `evaluate`'s; `curves` of the sittings, in order; `drawn`: their picture.

    `history`, in Markdown: what the sittings began with and what was made of their ends.

    Raises:
        NotMeasured: one of them is not there or is something else.
        Unavailable: the model's config cannot be read.
    """
    environment = jinja2.Environment(  # noqa: S701 - Markdown of our own numbers
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, undefined=jinja2.StrictUndefined
    )
    environment.filters["percent"] = lambda part: "" if part is None else f"{100 * part:.1f}"
    environment.filters["cell"] = _cell
    sets = {name: read_told(path) for name, path in scores.items()}
    card = environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        config=read_config(model),
        parameters=count_parameters(model),
        size_bytes=sum(file.stat().st_size for file in model.glob("*.safetensors")),
        sittings=[read_end(curve) for curve in curves],
        history=history.strip(),
        curve=drawn,
        scores=sets,
        bars=BARS,
        unseen=UNSEEN_PHRASINGS,
        aspects=[aspect for aspect in ASPECTS if any(told.by.get(aspect) for told in sets.values())],
        groups=lambda aspect: sorted({group for told in sets.values() for group in told.by.get(aspect, {})}, key=rank),
        longest=LONGEST,
        chatter=CHATTER,
        faces=faces,
        colours=colours,
        forms=forms,
    )
    out.write_text(card, encoding="utf-8")


def read_told(path: Path) -> Told:
    """Of the last line, where `evaluate` writes its JSON.

    Raises:
        NotMeasured: there is no such file or no such line.
    """
    try:
        return msgspec.json.decode(path.read_bytes().splitlines()[-1], type=Told)
    except (OSError, IndexError, msgspec.DecodeError):
        raise NotMeasured(f"{path} does not end with the line that `evaluate` prints") from None


def read_end(curve: Path) -> Point:
    """How held-out dialogues went at the end of a sitting.

    Raises:
        NotMeasured: there is no curve, or it tells nothing of held-out dialogues.
    """
    try:
        return [point for point in read_curve(curve) if point.held_out][-1]
    except (OSError, IndexError):
        raise NotMeasured(f"{curve} tells nothing of held-out dialogues") from None


def count_parameters(model: Path) -> int:
    """Of all weights in the folder."""
    count = 0
    for file in model.glob("*.safetensors"):
        with safe_open(file, framework="pt") as weights:
            count += sum(math.prod(weights.get_slice(name).get_shape()) for name in weights.keys())  # noqa: SIM118 - no dict
    return count


def _cell(counted: Counted | Told | None) -> str:
    return f"{100 * counted.exact:.1f} ({counted.asked})" if counted else ""
