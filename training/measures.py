"""What there is to compare in a picture: where its things are, and how large a chart's marks."""

from collections.abc import Iterator

import msgspec
import numpy as np
from numpy.typing import NDArray

from training.drawing import Box, Chart, Drawing
from training.placement import Placement

ACROSS_DOWN_VALUE = 3


class TokenMeasures(msgspec.Struct, frozen=True, kw_only=True):
    """Of tokens that show one thing: its middle in parts of the picture's width and height, and its value.

    A chart's label stands for its mark, whose value it has (see `Chart.values`); shapes have none: NaN.
    """

    rows: NDArray[np.int64]  # (tokens,) within the picture's slot
    truths: NDArray[np.float32]  # (tokens, 3)


def measure_tokens(drawing: Drawing, placement: Placement) -> TokenMeasures:
    """Shapes and labels of charts. A token that shows two of them is left out."""
    width, height = drawing.image.size
    found: dict[int, list[tuple[float, float, float]]] = {}
    for (left, top, right, bottom), value in _things(drawing):
        truth = ((left + right) / 2 / width, (top + bottom) / 2 / height, value)
        for row in placement.rows(((left, top, right, bottom),)):
            found.setdefault(row, []).append(truth)
    alone = {row: truths[0] for row, truths in found.items() if len(truths) == 1}
    return TokenMeasures(
        rows=np.array(list(alone), dtype=np.int64),
        truths=np.array(list(alone.values()), dtype=np.float32).reshape(-1, ACROSS_DOWN_VALUE),
    )


def _things(drawing: Drawing) -> Iterator[tuple[Box, float]]:
    for shape in drawing.shapes:
        yield shape.box, np.nan
    if isinstance(chart := drawing.facts, Chart):
        for label, value in zip(chart.labels, chart.values, strict=True):
            yield label.box, value
