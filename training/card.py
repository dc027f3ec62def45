"""The model card: what the model is, how it was made and how well it does, every number from where it was measured."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import msgspec
from safetensors import safe_open

from inference_worker.model.config import read_config
from training.curve import read_curve
from training.scores import ASPECTS, BARS, UNSEEN_PHRASINGS
from training.world import colours, faces, forms

TEMPLATE = Path(__file__).with_name("card.md.jinja")


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What `evaluate` has told of one set of dialogues."""

    name: str
    told: dict[str, Any]

    def cell(self, *keys: str) -> str:
        """Of a tally: the share and the number of questions; nothing where none was asked."""
        found: Any = self.told
        for key in keys:
            found = found.get(key, {})
        return f"{100 * found['exact']:.1f} ({found['asked']})" if found else ""


def write_card(out: Path, *, model: Path, scores: Mapping[str, Path], curves: Sequence[Path]) -> None:
    """`scores` by name: files whose last line is `evaluate`'s; `curves` of the sittings, in order."""
    environment = jinja2.Environment(  # noqa: S701 - Markdown of our own numbers
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, undefined=jinja2.StrictUndefined
    )
    environment.filters["percent"] = lambda part: "" if part is None else f"{100 * part:.1f}"
    sets = [Told(name=name, told=json.loads(path.read_text().splitlines()[-1])) for name, path in scores.items()]
    card = environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        config=read_config(model),
        parameters=count_parameters(model),
        size_bytes=sum(file.stat().st_size for file in model.glob("*.safetensors")),
        sittings=[[point for point in read_curve(curve) if point.held_out][-1] for curve in curves],
        scores=sets,
        bars=BARS,
        unseen=UNSEEN_PHRASINGS,
        aspects=[aspect for aspect in ASPECTS if any(one.told["by"].get(aspect) for one in sets)],
        groups=lambda aspect: sorted({group for one in sets for group in one.told["by"].get(aspect, {})}),
        cell=Told.cell,
        faces=faces,
        colours=colours,
        forms=forms,
    )
    out.write_text(card, encoding="utf-8")


def count_parameters(model: Path) -> int:
    """Of all weights in the folder."""
    count = 0
    for file in model.glob("*.safetensors"):
        with safe_open(file, framework="pt") as weights:
            count += sum(math.prod(weights.get_slice(name).get_shape()) for name in weights.keys())  # noqa: SIM118 - no dict
    return count
