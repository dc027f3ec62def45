"""Colours and their names."""

import random

import pytest

from training.world.colours import (
    COLOURS,
    SHADES,
    Paint,
    clearly_apart,
    contrast,
    distance,
    draw_ink,
    draw_paint,
    draw_paint_on,
)


def test_contrast_is_the_ratio_of_wcag() -> None:
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert contrast((255, 255, 255), (0, 0, 0)) == pytest.approx(21)
    assert contrast((118, 118, 118), (255, 255, 255)) == pytest.approx(4.54, abs=0.01)  # the lightest gray of AA
    assert contrast((255, 0, 0), (255, 255, 255)) == pytest.approx(4.0, abs=0.01)


def test_distance_is_that_of_cielab() -> None:
    assert distance((0, 0, 0), (255, 255, 255)) == pytest.approx(100, abs=0.1)
    assert distance((255, 0, 0), (0, 128, 0)) == pytest.approx(134, abs=2)


def test_every_drawn_colour_is_nearest_to_shades_of_its_own_name() -> None:
    rng = random.Random(1)
    for _ in range(2000):
        paint = draw_paint(rng)
        nearest = min((distance(paint.rgb, shade), name) for name, shades in SHADES.items() for shade in shades)
        assert nearest[1] == paint.name


def test_letters_have_a_contrast_of_three_and_up_on_every_ground() -> None:
    rng = random.Random(2)
    ratios = []
    for name in COLOURS:
        for _ in range(100):
            ground = draw_paint(rng, (name,)).rgb
            ratios.append(contrast(draw_ink(rng, ground), ground))
    assert min(ratios) >= 3
    assert min(ratios) < 3.2  # and the faintest are drawn
    assert max(ratios) > 18


def test_a_shape_has_another_name_than_its_ground_and_is_clearly_apart() -> None:
    rng = random.Random(3)
    for name in COLOURS:
        ground = Paint(name, SHADES[name][0])
        for _ in range(50):
            paint = draw_paint_on(rng, ground)
            assert paint.name != name
            assert clearly_apart(paint.rgb, ground.rgb)
