"""Scenes."""

import random

import numpy as np

from training.drawing import Scene
from training.world import draw_scene
from training.world.colours import SHADES, distance

SEEDS = range(150)


def test_shapes_are_in_the_colours_they_are_said_to_have() -> None:
    for seed in SEEDS:
        drawing = draw_scene(random.Random(seed))
        assert isinstance(drawing.facts, Scene)
        assert _name(drawing.image.getpixel((0, 0))) == drawing.facts.background
        for shape in drawing.shapes:
            left, top, right, bottom = shape.box
            middle = (int((left + right) / 2), int(top + 0.6 * (bottom - top)))
            assert _name(drawing.image.getpixel(middle)) == shape.colour


def test_nothing_is_drawn_outside_the_shapes_boxes_and_each_box_is_tight() -> None:
    for seed in SEEDS:
        drawing = draw_scene(random.Random(seed))
        shown = (np.asarray(drawing.image) != np.asarray(drawing.image)[0, 0]).any(axis=2)
        for shape in drawing.shapes:
            left, top, right, bottom = map(int, shape.box)
            inside = shown[top:bottom, left:right]
            assert inside.any(axis=0)[[0, -1]].all()
            assert inside.any(axis=1)[[0, -1]].all()
            shown[top:bottom, left:right] = False
        assert not shown.any()


def test_no_two_shapes_have_one_name_or_touch() -> None:
    for seed in SEEDS:
        shapes = draw_scene(random.Random(seed)).shapes
        assert len({shape.name for shape in shapes}) == len(shapes)
        for n, one in enumerate(shapes):
            for other in shapes[:n]:
                a, b = one.box, other.box
                assert a[0] > b[2] or b[0] > a[2] or a[1] > b[3] or b[1] > a[3]


def test_there_are_one_to_six_shapes_or_as_many_as_asked() -> None:
    assert {len(draw_scene(random.Random(seed)).shapes) for seed in SEEDS} == {1, 2, 3, 4, 5, 6}
    assert all(len(draw_scene(random.Random(seed), count=6).shapes) == 6 for seed in SEEDS)


def _name(rgb: object) -> str:
    assert isinstance(rgb, tuple)
    return min((distance(rgb, shade), name) for name, shades in SHADES.items() for shade in shades)[1]
