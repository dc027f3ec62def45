"""Pictures drawn by a formula in whole numbers, so that every machine draws the same bytes."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def draw(width: int, height: int, seed: int, mode: str = "RGB") -> Image.Image:
    """A picture of the golden vectors: stripes, a product pattern and a checkerboard, taken modulo 256."""
    if mode == "RGB":
        return Image.fromarray(_stack(width, height, seed, planes=3))
    if mode == "RGBA":
        return Image.fromarray(np.dstack([_stack(width, height, seed, planes=3), _alpha(width, height, seed)]))
    if mode == "LA":
        return Image.fromarray(np.dstack([_plane(width, height, seed, 0), _alpha(width, height, seed)]))
    grey = Image.fromarray(_plane(width, height, seed, 0))
    if mode == "P":
        palette = [(index * factor) & 255 for index in range(256) for factor in (3, 7, 13)]
        indexed = Image.frombytes("P", grey.size, grey.tobytes())
        indexed.putpalette(palette)
        return indexed
    if mode == "1":
        return grey.point([255 if value >= 128 else 0 for value in range(256)]).convert("1")
    assert mode == "L", mode
    return grey


def _stack(width: int, height: int, seed: int, *, planes: int) -> NDArray[np.uint8]:
    return np.dstack([_plane(width, height, seed, plane) for plane in range(planes)])


def _plane(width: int, height: int, seed: int, plane: int) -> NDArray[np.uint8]:
    x, y = _grid(width, height)
    stripes = x * (3 + seed % 5) + y * (7 + seed % 3) + 85 * plane
    product = ((x * y) // 16) * (1 + (seed + plane) % 4)
    checkers = 40 * ((x // 17 + y // 13 + seed) % 3)
    return np.asarray((stripes + product + checkers) & 255, dtype=np.uint8)


def _alpha(width: int, height: int, seed: int) -> NDArray[np.uint8]:
    x, y = _grid(width, height)
    return np.asarray((5 * x + 3 * y + seed) & 255, dtype=np.uint8)


def _grid(width: int, height: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return np.arange(width, dtype=np.int64)[None, :], np.arange(height, dtype=np.int64)[:, None]
