"""What there is to compare in a picture: where its things are, and how large a chart's marks."""

from collections.abc import Callable, Iterator

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
    """Shapes, labels of charts, and where marks end; labels once more in the whole picture, where all marks are known.

    A token that shows two of them is left out.
    """
    width, height = drawing.image.size
    found: dict[int, list[tuple[float, float, float]]] = {}
    for box, value, rows_of in _things(drawing, placement):
        left, top, right, bottom = box
        for row in rows_of((box,)):
            found.setdefault(row, []).append(((left + right) / 2 / width, (top + bottom) / 2 / height, value))
    alone = {row: truths[0] for row, truths in found.items() if len(truths) == 1}
    return TokenMeasures(
        rows=np.array(list(alone), dtype=np.int64),
        truths=np.array(list(alone.values()), dtype=np.float32).reshape(-1, ACROSS_DOWN_VALUE),
    )


def _things(
    drawing: Drawing, placement: Placement
) -> Iterator[tuple[Box, float, Callable[[tuple[Box, ...]], list[int]]]]:
    """Boxes, values, and where their rows are."""
    for shape in drawing.shapes:
        yield shape.box, np.nan, placement.rows
    if isinstance(chart := drawing.facts, Chart):
        known_later = chart.lying or chart.what == "pie"  # what a label belongs to comes after it
        for label, value in zip(chart.labels, chart.values, strict=True):
            yield label.box, np.nan if known_later else value, placement.rows
            yield label.box, value, placement.rows_of_whole
        if chart.what != "pie":
            for end, value in zip(chart.ends, chart.values, strict=True):
                yield end, value, placement.rows
