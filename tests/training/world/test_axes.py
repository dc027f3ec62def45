"""Bars and lines."""

import random

import numpy as np
import pytest

from training.drawing import Chart, Drawing
from training.world import Split, draw_chart
from training.world.axes import AxesSketch, sketch_axes

SEEDS = range(100)


def _chart(drawing: Drawing) -> Chart:
    assert isinstance(drawing.facts, Chart)
    return drawing.facts


def test_bars_are_as_long_in_pixels_as_their_values() -> None:
    for seed in SEEDS:
        sketch = sketch_axes(random.Random(seed), Split.SEEN, what="bar")
        drawing = sketch.draw()
        chart = _chart(drawing)
        pixels = np.asarray(drawing.image)
        left, top, right, bottom = sketch.plot
        axis = right - left if chart.lying else bottom - top
        for rgb, value, mark in zip(sketch.paints, chart.values, chart.marks, strict=True):
            across, down = int((mark[0] + mark[2]) / 2), int((mark[1] + mark[3]) / 2)
            line = (
                pixels[down, round(left) : round(right)] if chart.lying else pixels[round(top) : round(bottom), across]
            )
            assert abs((line == rgb).all(axis=1).sum() - value * axis) <= 2


@pytest.mark.parametrize("what", ["bar", "line", "pie"])
def test_largest_and_smallest_differ_from_the_next_by_a_tenth(what: str) -> None:
    counts = set()
    for seed in SEEDS:
        chart = _chart(draw_chart(random.Random(seed), Split.SEEN, what=what))
        ordered = sorted(chart.values)
        assert ordered[1] - ordered[0] >= 0.1
        assert ordered[-1] - ordered[-2] >= 0.1
        assert len(chart.labels) == len(chart.values) == len(chart.marks)
        counts.add(len(chart.values))
    assert counts == {3, 4, 5, 6}


@pytest.mark.parametrize("what", ["bar", "line", "pie"])
def test_labels_of_one_chart_are_all_different(what: str) -> None:
    for seed in SEEDS:
        labels = [label.text.lower() for label in _chart(draw_chart(random.Random(seed), Split.SEEN, what=what)).labels]
        assert len(set(labels)) == len(labels)


def test_upright_bars_stand_above_their_labels_and_lying_ones_beside() -> None:
    lying = 0
    for seed in SEEDS:
        chart = _chart(draw_chart(random.Random(seed), Split.SEEN, what="bar"))
        lying += chart.lying
        for label, mark in zip(chart.labels, chart.marks, strict=True):
            side = 1 if chart.lying else 0
            middle = (label.box[side] + label.box[side + 2]) / 2
            assert mark[side] - 2 <= middle <= mark[side + 2] + 2
            assert label.box[2] < mark[0] if chart.lying else label.box[1] > mark[3]
    assert 10 < lying < 45


def test_points_of_a_line_are_as_high_as_their_values() -> None:
    for seed in SEEDS:
        sketch = sketch_axes(random.Random(seed), Split.SEEN, what="line")
        drawing = sketch.draw()
        _, top, _, bottom = sketch.plot
        for value, mark in zip(sketch.values, _chart(drawing).marks, strict=True):
            height = (mark[1] + mark[3]) / 2
            assert (bottom - height) / (bottom - top) == pytest.approx(value, abs=0.01)
            assert drawing.image.getpixel((int((mark[0] + mark[2]) / 2), int(height))) == sketch.paints[0]


def test_charts_have_titles_mostly() -> None:
    titled = sum(_chart(draw_chart(random.Random(seed), Split.SEEN)).title is not None for seed in SEEDS)
    assert 45 < titled < 90


def test_the_plot_has_room_for_ten_percent_to_be_seen() -> None:
    for seed in SEEDS:
        sketch = sketch_axes(random.Random(seed), Split.SEEN, what="bar")
        assert isinstance(sketch, AxesSketch)
        left, top, right, bottom = sketch.plot
        assert (right - left if sketch.lying else bottom - top) * 224 / sketch.size.longer >= 45
