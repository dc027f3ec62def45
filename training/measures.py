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

    The end of a bar, and the label below it, have its value (see `Chart.values`); other things have none: NaN.
    """

    rows: NDArray[np.int64]  # (tokens,) within the picture's slot
    truths: NDArray[np.float32]  # (tokens, 3)


def measure_tokens(drawing: Drawing, placement: Placement) -> TokenMeasures:
    """Shapes, labels of charts, and where bars end. A token that shows two of them is left out."""
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
            yield label.box, np.nan if chart.lying else value  # what stands on its right comes after it
        if chart.what != "pie":
            for mark, value in zip(chart.marks, chart.values, strict=True):
                yield _end(mark, lying=chart.lying), value


def _end(mark: Box, *, lying: bool) -> Box:
    """Its upper edge, or where it lies its right one."""
    left, top, right, bottom = mark
    return (right, top, right, bottom) if lying else (left, top, right, top)
