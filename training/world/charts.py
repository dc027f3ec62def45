"""Charts of three to six marks, each with its label: bars, lines and pies."""

import random

from training.drawing import Drawing
from training.world.axes import AxesSketch, sketch_axes
from training.world.pies import PieSketch, sketch_pie
from training.world.split import Split

KINDS = ("bar", "line", "pie")
WEIGHTS = (5, 2, 2)


def draw_chart(rng: random.Random, split: Split, *, what: str | None = None) -> Drawing:
    """A "bar", "line" or "pie" chart; the largest and the smallest mark differ from the next by a tenth of the axis."""
    return sketch_chart(rng, split, what=what).draw()


def sketch_chart(rng: random.Random, split: Split, *, what: str | None = None) -> AxesSketch | PieSketch:
    """See `draw_chart`."""
    what = what or rng.choices(KINDS, WEIGHTS)[0]
    return sketch_pie(rng, split) if what == "pie" else sketch_axes(rng, split, what=what)
