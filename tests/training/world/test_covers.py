"""Book covers."""

import random

import numpy as np

from training.drawing import Cover
from training.world import Split, draw_cover
from training.world.colours import SHADES, distance
from training.world.covers import sketch_cover
from training.world.faces import load_font

SEEDS = range(150)


def test_the_ground_has_the_covers_colour() -> None:
    for seed in SEEDS:
        drawing = draw_cover(random.Random(seed), Split.SEEN)
        assert isinstance(drawing.facts, Cover)
        rgb = drawing.image.getpixel((0, 0))
        nearest = min((distance(rgb, shade), name) for name, shades in SHADES.items() for shade in shades)
        assert nearest[1] == drawing.facts.colour


def test_a_titles_letters_are_taller_than_the_authors() -> None:
    for seed in SEEDS:
        title, author = draw_cover(random.Random(seed), Split.SEEN).texts
        assert load_font(title.face, title.size_px).rise > 1.08 * load_font(author.face, author.size_px).rise


def test_all_that_is_drawn_is_within_the_boxes_told() -> None:
    checked = 0
    for seed in SEEDS:
        sketch = sketch_cover(random.Random(seed), Split.SEEN)
        if sketch.frame:
            continue
        checked += 1
        drawing = sketch.draw()
        shown = (np.asarray(drawing.image) != np.asarray(drawing.image)[0, 0]).any(axis=2)
        boxes = [box for text in drawing.texts for box in text.glyphs] + [shape.box for shape in drawing.shapes]
        for left, top, right, bottom in boxes:
            shown[max(0, round(top) - 1) : round(bottom) + 1, max(0, round(left) - 1) : round(right) + 1] = False
        assert not shown.any(), seed
    assert checked > 80


def test_titles_run_over_two_lines_now_and_then_and_an_emblem_is_on_many_covers() -> None:
    sketches = [sketch_cover(random.Random(seed), Split.SEEN) for seed in SEEDS]
    assert 10 < sum(len(sketch.title.block.lines) == 2 for sketch in sketches) < 110
    assert 30 < sum(sketch.emblem is not None for sketch in sketches) < 110
    above = [sketch.author.top < sketch.title.top for sketch in sketches]
    assert 10 < sum(above) < 80
