"""Where things go on a sheet, one below the other."""

import random
from collections.abc import Sequence

from training.world.chance import chance
from training.world.lettering import Align


def draw_align(rng: random.Random) -> Align:
    """In the middle, mostly."""
    aligns: tuple[Align, ...] = ("left", "middle", "right")
    return rng.choices(aligns, (3, 6, 1))[0]


def stack(rng: random.Random, heights: Sequence[float], top: float, *, height: float, gap: float) -> list[float]:
    """The tops of blocks one below the other within a height, at least `gap` apart: spread evenly or anyhow."""
    free = height - sum(heights) - gap * (len(heights) - 1)
    shares = [rng.expovariate(1) for _ in range(len(heights) + 1)]
    if len(heights) > 1 and chance(rng, 0.4):
        shares = [0.0, *(1.0 for _ in heights[1:]), 0.0]
    tops = []
    for share, own in zip(shares, heights, strict=False):
        top += free * share / sum(shares)
        tops.append(top)
        top += own + gap
    return tops


def pile(rng: random.Random, count: int, top: float, *, height: float, pitch: float) -> list[float]:
    """The tops of lines at an even pitch, somewhere in a height; closer where it must be."""
    pitch = min(pitch, height / count)
    first = top + rng.random() * (height - pitch * count)
    return [first + n * pitch for n in range(count)]
