"""What holds of every drawing, whatever it shows."""

import random
from collections.abc import Callable

import numpy as np
import pytest

from training.drawing import Drawing
from training.world import Split, draw_chart, draw_cover, draw_page, draw_scene
from training.world.colours import contrast
from training.world.faces import FACES
from training.world.split import split_of

Draw = Callable[[random.Random, Split], Drawing]
DRAWERS: list[Draw] = [draw_cover, draw_page, draw_chart, draw_scene]
WRITERS: list[Draw] = [draw_cover, draw_page, draw_chart]
SEEDS = range(60)


@pytest.mark.parametrize("draw", DRAWERS)
def test_a_seed_gives_the_same_drawing_again(draw: Draw) -> None:
    for seed in range(10):
        one, other = draw(random.Random(seed), Split.SEEN), draw(random.Random(seed), Split.SEEN)
        assert one.facts == other.facts
        assert one.image.tobytes() == other.image.tobytes()


@pytest.mark.parametrize("draw", WRITERS)
@pytest.mark.parametrize("split", Split)
def test_words_and_faces_are_of_the_split(draw: Draw, split: Split) -> None:
    for seed in SEEDS:
        for text in draw(random.Random(seed), split).texts:
            assert text.face in FACES[split]
            assert text.held_out == (split is Split.HELD_OUT)


@pytest.mark.parametrize("split", Split)
def test_titles_are_of_words_of_the_split_or_random(split: Split) -> None:
    for seed in SEEDS:
        title = draw_cover(random.Random(seed), split).texts[0]
        assert title.random or {split_of(word) for word in title.text.split()} == {split}


@pytest.mark.parametrize("draw", WRITERS)
def test_letters_are_at_least_a_twelfth_of_the_longer_side(draw: Draw) -> None:
    for seed in SEEDS:
        drawing = draw(random.Random(seed), Split.SEEN)
        for text in drawing.texts:
            assert text.size_px >= max(drawing.image.size) // 12


@pytest.mark.parametrize("draw", WRITERS)
def test_every_character_is_within_the_picture_and_has_a_box(draw: Draw) -> None:
    for seed in SEEDS:
        drawing = draw(random.Random(seed), Split.SEEN)
        for text in drawing.texts:
            assert len(text.glyphs) == len(text.text)
            left, top, right, bottom = text.box
            assert left >= 0
            assert top >= 0
            assert right <= drawing.image.width
            assert bottom <= drawing.image.height
            blanks = [left == right for left, _, right, _ in text.glyphs]
            assert blanks == [character == " " for character in text.text]


@pytest.mark.parametrize("draw", WRITERS)
def test_lines_do_not_run_into_each_other(draw: Draw) -> None:
    for seed in SEEDS:
        boxes = [text.box for text in draw(random.Random(seed), Split.SEEN).texts]
        for n, one in enumerate(boxes):
            for other in boxes[:n]:
                assert one[0] >= other[2] or other[0] >= one[2] or one[1] >= other[3] or other[1] >= one[3]


@pytest.mark.parametrize("draw", WRITERS)
def test_the_contrast_told_is_that_of_the_pixels(draw: Draw) -> None:
    for seed in SEEDS:
        drawing = draw(random.Random(seed), Split.SEEN)
        pixels = np.asarray(drawing.image)
        for text in drawing.texts:
            assert text.contrast >= 3
            left, top, right, bottom = (round(edge) for edge in text.box)
            shades = {tuple(map(int, rgb)) for rgb in pixels[top:bottom, left:right].reshape(-1, 3)}
            ground = _most_common(pixels[top:bottom, left:right])
            strongest = max(contrast(shade, ground) for shade in shades)
            assert strongest >= text.contrast * 0.85, (seed, text.text)  # a thin stem may fall between two pixels


@pytest.mark.parametrize("draw", DRAWERS)
def test_pictures_are_square_upright_and_wide_and_of_everyday_sizes(draw: Draw) -> None:
    sizes = [draw(random.Random(seed), Split.SEEN).image.size for seed in range(200)]
    assert any(width == height for width, height in sizes)
    assert any(width > height for width, height in sizes)
    assert any(width < height for width, height in sizes)
    assert all(224 <= max(size) <= 900 for size in sizes)
    assert all(max(size) <= 4.02 * min(size) for size in sizes)
    own = sum(max(size) in {224, 336, 448} for size in sizes)
    assert 0.55 < own / len(sizes) < 0.85


def _most_common(pixels: np.ndarray) -> tuple[int, int, int]:
    shades, counts = np.unique(pixels.reshape(-1, 3), axis=0, return_counts=True)
    red, green, blue = map(int, shades[counts.argmax()])
    return (red, green, blue)
