"""Where things of a drawn picture come to lie in the model's sight: boxes of pixels to token rows of its slot.

Only the parts are meant, at full detail; the whole picture's tokens come after them and are left alone here.
"""

import numpy as np
from numpy.typing import NDArray

from inference_worker.image.tiling import Tiling
from training.drawing import Box

Boxes = NDArray[np.float64]  # (boxes, 4): left, top, right, bottom


class Placement:
    """One picture of `width` x `height` pixels on its canvas of lines x columns tokens."""

    def __init__(self, tiling: Tiling, *, width: int, height: int) -> None:
        self.lines = tiling.rows * tiling.tokens_per_side
        self.columns = tiling.columns * tiling.tokens_per_side
        self.token_px = tiling.crop_size / tiling.tokens_per_side
        resized, padded = tiling.resized, tiling.padded
        self._scale = np.array([resized.width / width, resized.height / height] * 2)
        self._shift = np.array([(padded.width - resized.width) // 2, (padded.height - resized.height) // 2] * 2)

    def place(self, boxes: tuple[Box, ...]) -> Boxes:
        """Boxes in the picture's pixels to the canvas's."""
        placed: Boxes = np.array(boxes, dtype=np.float64).reshape(-1, 4) * self._scale + self._shift
        return placed

    def row(self, line: int, column: int) -> int:
        """The row, within the picture's slot, of a token of the grid: every line ends with a separator."""
        return line * (self.columns + 1) + column

    def all_rows(self) -> NDArray[np.int64]:
        """Of every token (lines * columns,), line by line."""
        lines, columns = np.arange(self.lines), np.arange(self.columns)
        return (lines[:, None] * (self.columns + 1) + columns).ravel()

    def rows(self, boxes: tuple[Box, ...]) -> list[int]:
        """The rows of the tokens that boxes stand on: those whose middle a box covers, else the one of its middle."""
        found: set[int] = set()
        for left, top, right, bottom in (self.place(boxes) / self.token_px).tolist():
            lines = _covered(top, bottom, self.lines)
            columns = _covered(left, right, self.columns)
            found.update(self.row(line, column) for line in lines for column in columns)
        return sorted(found)


def centres(boxes: Boxes) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of each box, x and y."""
    return (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2


def _covered(first: float, last: float, count: int) -> range:
    """The cells 0 .. count - 1 of size 1 whose middles lie between, at least that of the middle.

    >>> _covered(0.4, 2.6, 4), _covered(1.6, 1.9, 4)
    (range(0, 3), range(1, 2))
    """
    start, stop = round(first), round(last)
    if start >= stop:
        start = int((first + last) / 2)
        stop = start + 1
    start = min(max(start, 0), count - 1)
    return range(start, min(max(stop, start + 1), count))
