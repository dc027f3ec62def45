"""Where things of a drawn picture come to lie in the model's sight: boxes of pixels to token rows of its slot.

The parts come first, at full detail; the tokens of the whole picture come after them, with a separator between.
"""

import itertools
from collections.abc import Iterator

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
        self.side = tiling.tokens_per_side
        self.token_px = tiling.crop_size / self.side
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
        """The rows of the parts' tokens that boxes stand on: whose middles they cover, else that of their own middle."""
        cells = _cells(self.place(boxes) / self.token_px, lines=self.lines, columns=self.columns)
        return sorted({self.row(line, column) for line, column in cells})

    def rows_of_whole(self, boxes: tuple[Box, ...]) -> list[int]:
        """The same, of the whole picture's tokens."""
        cells = _cells(self.place_in_whole(boxes), lines=self.side, columns=self.side)
        return sorted({self.row_of_whole(line, column) for line, column in cells})

    def place_in_whole(self, boxes: tuple[Box, ...]) -> Boxes:
        """Boxes in the picture's pixels to the whole picture's tokens."""
        canvas = np.array([self.columns, self.lines] * 2) * self.token_px
        placed: Boxes = self.place(boxes) / canvas * self.side
        return placed

    def row_of_whole(self, line: int, column: int) -> int:
        """The row, within the picture's slot, of a token of the whole picture."""
        return self.row(self.lines, 0) + 1 + line * (self.side + 1) + column


def centres(boxes: Boxes) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of each box, x and y."""
    return (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2


def _cells(boxes: Boxes, *, lines: int, columns: int) -> Iterator[tuple[int, int]]:
    """Lines and columns of the tokens that boxes stand on, given in tokens."""
    for left, top, right, bottom in boxes.tolist():
        yield from itertools.product(_covered(top, bottom, lines), _covered(left, right, columns))


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
