"""What is written."""

import random
from collections.abc import Callable

import pytest

from training.world.split import Split, split_of
from training.world.words import Wording, draw_author, draw_letters, draw_word, draw_wording


@pytest.mark.parametrize("split", Split)
def test_every_word_of_a_wording_is_of_its_split(split: Split) -> None:
    rng = random.Random(1)
    wordings = [draw_wording(rng, split, words=2) for _ in range(300)]
    words = [word for wording in wordings if not wording.random for word in wording.text.split()]
    assert len(words) > 200
    assert {split_of(word) for word in words} == {split}


@pytest.mark.parametrize("draw", [draw_wording, draw_author])
def test_half_of_what_is_written_is_random(draw: Callable[[random.Random, Split], Wording]) -> None:
    rng = random.Random(2)
    assert 0.44 < sum(draw(rng, Split.SEEN).random for _ in range(1000)) / 1000 < 0.56


def test_random_strings_have_three_to_eight_letters() -> None:
    rng = random.Random(3)
    lengths = {len(draw_letters(rng)) for _ in range(300)}
    assert lengths == {3, 4, 5, 6, 7, 8}
    assert {len(draw_letters(rng, longest=4)) for _ in range(100)} == {3, 4}


def test_a_word_is_no_longer_than_asked() -> None:
    rng = random.Random(4)
    assert {len(draw_word(rng, Split.HELD_OUT, longest=4)) for _ in range(200)} == {3, 4}


def test_wordings_come_in_small_letters_in_capitals_and_with_a_capital_first() -> None:
    rng = random.Random(5)
    texts = [draw_wording(rng, Split.SEEN, words=2).text for _ in range(200)]
    for is_case in (str.islower, str.isupper, str.istitle):
        assert sum(map(is_case, texts)) > 20
