"""Lines of letters."""

import random

from training.world.lettering import fit, one_line
from training.world.words import Wording

BLACK, WHITE = (0, 0, 0), (255, 255, 255)


def test_what_is_too_wide_for_one_line_is_set_in_two_even_ones() -> None:
    wording = Wording("The Old House")
    block = fit(random.Random(1), wording, "DejaVu Sans", width=110, smallest=20, biggest=20, most_lines=2)
    assert block
    assert block.lines == ("The Old", "House")
    assert block.width <= 110


def test_nothing_is_set_where_the_smallest_letters_are_too_wide() -> None:
    wording = Wording("Photograph")
    assert fit(random.Random(1), wording, "DejaVu Sans", width=60, smallest=18, biggest=40, most_lines=2) is None


def test_letters_have_any_size_between_the_smallest_and_the_biggest() -> None:
    rng = random.Random(2)
    sizes = set()
    for _ in range(200):
        block = fit(rng, Wording("Sea"), "Roboto", width=500, smallest=18, biggest=30)
        assert block
        sizes.add(block.size_px)
    assert sizes == set(range(18, 31))


def test_letters_shrink_to_the_width() -> None:
    block = fit(random.Random(3), Wording("Harbour"), "Caladea", width=90, smallest=18, biggest=1000)
    assert block
    assert 80 < block.width <= 90


def test_the_characters_of_a_broken_line_follow_it_to_the_next_one() -> None:
    wording = Wording("Red Sea")
    block = fit(random.Random(1), wording, "DejaVu Sans", width=60, smallest=24, biggest=24, most_lines=2)
    assert block
    text = block.placed(10, 5, align="left", ink=BLACK, ground=WHITE).text
    assert text.text == "Red Sea"
    assert len(text.glyphs) == 7
    assert text.glyphs[4][1] > text.glyphs[0][3]  # S is below R
    assert abs(text.glyphs[4][0] - text.glyphs[0][0]) < 3  # and begins where R does
    assert text.contrast > 20


def test_lines_are_aligned_at_their_left_ends_their_middles_or_their_right_ends() -> None:
    block = one_line(Wording("Tent"), "Roboto", 30)
    left, middle, right = (
        block.placed(100, 0, align=align, ink=BLACK, ground=WHITE).text.box for align in ("left", "middle", "right")
    )
    assert abs(left[0] - 100) < 3
    assert abs((middle[0] + middle[2]) / 2 - 100) < 3
    assert abs(right[2] - 100) < 3
    assert left[1] >= 0
