"""The eight forms of shapes, each in the few ways that people draw it, as masks."""

import functools
import math
from collections.abc import Sequence

from PIL import Image, ImageDraw

Point = tuple[float, float]
FINER = 4  # masks are drawn this much larger and shrunk, for smooth edges


def _star(inner: float) -> tuple[Point, ...]:
    """Five points; the corners between them lie `inner` of their radius from the middle."""
    return _corners(10, (0.52, 0.52 * inner), middle=(0.5, 0.53))


def _corners(
    count: int, radii: Sequence[float], *, middle: Point = (0.5, 0.5), turned: float = 0.0
) -> tuple[Point, ...]:
    """Corners at even angles, clockwise from the top, `turned` by a part of a step; their radii take turns."""
    angles = [math.tau * (n + turned) / count for n in range(count)]
    return tuple(
        (middle[0] + radii[n % len(radii)] * math.sin(angle), middle[1] - radii[n % len(radii)] * math.cos(angle))
        for n, angle in enumerate(angles)
    )


def _plus(low: float) -> tuple[Point, ...]:
    """Four arms between `low` and its mirror."""
    high = 1 - low
    return (
        *((low, 0), (high, 0), (high, low), (1, low), (1, high), (high, high)),
        *((high, 1), (low, 1), (low, high), (0, high), (0, low), (low, low)),
    )


def _diagonal(points: Sequence[Point]) -> tuple[Point, ...]:
    """Turned by an eighth about the middle."""
    return tuple((0.5 + (x - y) * 0.75, 0.5 + (x + y - 1) * 0.75) for x, y in points)


def _heart(angle: float) -> Point:
    """The curve 16 sin^3 t, 13 cos t - 5 cos 2t - 2 cos 3t - cos 4t, in the unit square."""
    x = 16 * math.sin(angle) ** 3
    y = 13 * math.cos(angle) - 5 * math.cos(2 * angle) - 2 * math.cos(3 * angle) - math.cos(4 * angle)
    return ((x + 16) / 32, (12 - y) / 29)


# The corners of each way to draw a form, in the unit square, y downwards.
OUTLINES: dict[str, tuple[tuple[Point, ...], ...]] = {
    "circle": (_corners(72, (0.5,)),),
    "square": (((0, 0), (1, 0), (1, 1), (0, 1)), ((0.04, 0.04), (0.96, 0.04), (0.96, 0.96), (0.04, 0.96))),
    "triangle": (((0.5, 0.06), (1, 0.94), (0, 0.94)), ((0.5, 0), (1, 1), (0, 1)), ((0.5, 0), (0.9, 1), (0.1, 1))),
    "star": (_star(0.382), _star(0.45), _star(0.5)),
    "diamond": (
        ((0.5, 0), (1, 0.5), (0.5, 1), (0, 0.5)),
        ((0.5, 0), (0.88, 0.5), (0.5, 1), (0.12, 0.5)),
        ((0.5, 0), (0.8, 0.5), (0.5, 1), (0.2, 0.5)),
    ),
    "cross": (_plus(0.33), _plus(0.37), _plus(0.29), _diagonal(_plus(0.37))),
    "heart": (tuple(_heart(math.tau * n / 48) for n in range(48)),),
    "hexagon": (_corners(6, (0.5,), turned=0.5), _corners(6, (0.5,))),
}
FORMS = tuple(OUTLINES)


@functools.lru_cache(maxsize=8192)
def load_mask(form: str, way: int, side: int) -> Image.Image:
    """What of a square of `side` pixels is covered, as "L"."""
    fine = Image.new("L", (side * FINER, side * FINER))
    last = side * FINER - 1
    ImageDraw.Draw(fine).polygon([(x * last, y * last) for x, y in OUTLINES[form][way]], fill=255)
    return fine.reduce(FINER)
