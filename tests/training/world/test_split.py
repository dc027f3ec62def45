"""What training may see."""

from training.world.faces import FACES
from training.world.split import Split, split_of
from training.world.words import load_words

LISTS = ("words", "first_names", "last_names")


def test_a_fifth_of_every_list_is_held_out() -> None:
    for name in LISTS:
        seen, held_out = (len(load_words(name, split)) for split in Split)
        assert 0.15 < held_out / (seen + held_out) < 0.25


def test_no_held_out_word_or_name_is_seen_in_any_list() -> None:
    seen, held_out = ({word.lower() for name in LISTS for word in load_words(name, split)} for split in Split)
    assert not seen & held_out


def test_a_word_belongs_to_the_same_split_in_every_case_and_on_every_machine() -> None:
    assert [split_of(word) for word in ("river", "River", "RIVER")] == [Split.SEEN] * 3
    assert [split_of(word) for word in ("able", "about", "above")] == [Split.HELD_OUT, Split.SEEN, Split.HELD_OUT]
    assert load_words("words", Split.HELD_OUT)[:3] == ("able", "above", "accent")


def test_three_faces_are_held_out_and_at_least_eight_seen() -> None:
    assert len(FACES[Split.HELD_OUT]) == 3
    assert len(FACES[Split.SEEN]) >= 8
    assert not set(FACES[Split.SEEN]) & set(FACES[Split.HELD_OUT])
