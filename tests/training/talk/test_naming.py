import random

import pytest

from training.talk.naming import Name, draw_name, name_picture
from training.talk.phrasings import Phrase
from training.world.split import Split

SECOND = Name("the second image", "second")


def named(template: str, *, split: Split = Split.SEEN, books_only: bool = False) -> set[str]:
    return {
        name_picture(random.Random(seed), split, Phrase(template), SECOND, books_only=books_only).template
        for seed in range(100)
    }


def test_a_picture_is_named_before_or_after_the_question() -> None:
    assert named("What color is the {name}?") == {
        "In the second image, what color is the {name}?",
        "In the second image: what color is the {name}?",
        "What color is the {name} in the second image?",
    }


def test_this_picture_becomes_the_one_that_is_meant() -> None:
    assert named("What is in this picture?") == {"What is in the second image?"}


def test_books_are_counted_where_all_pictures_are_books() -> None:
    assert "Who wrote the second book?" in named("Who wrote this book?", books_only=True)
    assert "Who wrote the second book?" not in named("Who wrote this book?")


def test_other_ways_to_name_are_kept_for_the_examination() -> None:
    rng = random.Random(0)
    phrases = [name_picture(rng, Split.HELD_OUT, Phrase("Who is it?"), SECOND, books_only=False) for _ in range(300)]

    assert not any("Looking at" in template for template in named("Who is it?"))
    assert all(phrase.held_out == (not phrase.template.startswith(("In", "Who"))) for phrase in phrases)
    assert any(phrase.held_out for phrase in phrases)


@pytest.mark.parametrize(("place", "number"), [(0, "1"), (2, "3")])
def test_pictures_are_named_by_their_place(place: int, number: str) -> None:
    names = {draw_name(random.Random(seed), place, 3).picture for seed in range(300)}

    assert f"picture {number}" in names
    assert ("the last picture" in names) == (place == 2)
    assert ("the first image" in names) == (place == 0)
    assert "the second picture" not in names
