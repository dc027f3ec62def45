"""Pies."""

import math
import random
from collections.abc import Iterator

import numpy as np
import pytest

from training.drawing import Chart
from training.world import Split
from training.world.pies import PieSketch, sketch_pie

SEEDS = range(60)


def _drawn() -> Iterator[tuple[PieSketch, Chart]]:
    for seed in SEEDS:
        sketch = sketch_pie(random.Random(seed), Split.SEEN)
        facts = sketch.draw().facts
        assert isinstance(facts, Chart)
        yield sketch, facts


def _pixels(sketch: PieSketch) -> np.ndarray:
    """Of the circle; nothing outside, where letters may have a slice's colour."""
    pixels = np.asarray(sketch.draw().image).astype(int)
    down, across = np.mgrid[: sketch.size.height, : sketch.size.width]
    outside = np.hypot(across - sketch.middle[0], down - sketch.middle[1]) > sketch.radius
    pixels[outside] = -1
    return pixels


def test_slices_cover_as_many_pixels_as_their_values_say() -> None:
    for seed in SEEDS:
        sketch = sketch_pie(random.Random(seed), Split.SEEN)
        pixels = _pixels(sketch)
        area = math.pi * sketch.radius**2
        assert sum(sketch.values) == pytest.approx(1)
        for value, rgb in zip(sketch.values, sketch.paints, strict=True):
            assert (pixels == rgb).all(axis=2).sum() / area == pytest.approx(value, abs=0.04)


def test_labels_lie_outside_the_pie_nearest_to_their_own_slice() -> None:
    for sketch, facts in _drawn():
        for label, (start, end) in zip(facts.labels, sketch.angles, strict=True):
            left, top, right, bottom = label.box
            across, down = (left + right) / 2 - sketch.middle[0], (top + bottom) / 2 - sketch.middle[1]
            nearest = (min(max(sketch.middle[0], left), right), min(max(sketch.middle[1], top), bottom))
            assert math.dist(nearest, sketch.middle) >= sketch.radius
            off = (math.degrees(math.atan2(down, across)) - (start + end) / 2 + 180) % 360 - 180
            assert abs(off) <= max(15, (end - start) / 2)


def test_a_slices_spots_lie_all_over_it_and_nowhere_else() -> None:
    for sketch, facts in _drawn():
        pixels = _pixels(sketch)
        for spots, rgb in zip(facts.spots, sketch.paints, strict=True):
            right = [(pixels[round(y), round(x)] == rgb).all() for x, y, _, _ in spots]
            assert sum(right) >= 0.9 * len(right), "but for a pixel of the edge"
        counts = [len(spots) for spots in facts.spots]
        assert [count / sum(counts) for count in counts] == pytest.approx(sketch.values, abs=0.05)


def test_a_slices_box_holds_its_pixels() -> None:
    for sketch, facts in _drawn():
        pixels = _pixels(sketch)
        for (left, top, right, bottom), rgb in zip(facts.marks, sketch.paints, strict=True):
            rows, columns = np.nonzero((pixels == rgb).all(axis=2))
            assert columns.min() >= left - 2
            assert columns.max() <= right + 2
            assert rows.min() >= top - 2
            assert rows.max() <= bottom + 2
