import itertools
import random

import pytest

from training.drawing import Drawing
from training.world import Split, draw_page, draw_primer
from training.world.canvas import LETTERS_IN_A_SIDE

SEEDS = range(40)


@pytest.fixture(scope="module")
def primers() -> list[Drawing]:
    return [draw_primer(random.Random(seed), Split.SEEN) for seed in SEEDS]


def letters(drawing: Drawing) -> int:
    return sum(len(text.text.replace(" ", "")) for text in drawing.texts)


def test_a_primer_has_twice_the_letters_of_a_page(primers: list[Drawing]) -> None:
    pages = [draw_page(random.Random(seed), Split.SEEN, what="page") for seed in SEEDS]
    assert sum(map(letters, primers)) > 2 * sum(map(letters, pages))


def test_its_letters_are_as_small_as_any_and_within_the_picture(primers: list[Drawing]) -> None:
    for drawing in primers:
        width, height = drawing.image.size
        smallest = max(width, height) // LETTERS_IN_A_SIDE
        assert drawing.texts
        for text in drawing.texts:
            assert smallest <= text.size_px <= smallest * 3.1
            left, top, right, bottom = text.box
            assert -1 <= left < right <= width + 1
            assert -1 <= top < bottom <= height + 1


def test_its_lines_do_not_overlap(primers: list[Drawing]) -> None:
    for drawing in primers:
        for above, below in itertools.pairwise(drawing.texts):
            assert above.box[3] <= below.box[1] + 1


def test_every_line_has_a_face_of_its_own_and_can_be_read(primers: list[Drawing]) -> None:
    for drawing in primers:
        assert all(text.contrast >= 3 for text in drawing.texts)
    assert any(len({text.face for text in drawing.texts}) == len(drawing.texts) > 3 for drawing in primers)
