import msgspec

from tests.training.talk.drawn import BAR_CHART, text, view
from training.talk.quotes import find_quotes

CHART = view(BAR_CHART, 1)


def named(question: str, *fills: str) -> list[str]:
    return [question[quote.start : quote.stop] for quote in find_quotes(question, fills, CHART)]


def test_names_are_told_in_the_order_of_the_question_with_their_letters_in_the_picture() -> None:
    question = "Is Ef taller than Ab?"
    first, second = find_quotes(question, ("Ab", "Ef"), CHART)

    assert [question[one.start : one.stop] for one in (first, second)] == ["Ef", "Ab"]
    assert (first.cite.picture, first.cite.boxes) == (1, BAR_CHART.labels[2].glyphs)
    assert second.cite.boxes == BAR_CHART.labels[0].glyphs


def test_only_whole_words_that_filled_the_wording_are_names() -> None:
    assert named("Is Abc taller than Cd?", "Abc", "Cd") == ["Cd"]
    assert named("What is Ab?") == []


def test_what_may_be_either_of_two_is_no_name() -> None:
    twice = msgspec.structs.replace(BAR_CHART, title=text("Ab", 2))

    assert named("Ab or Ab?", "Ab") == []
    assert find_quotes("How much is Ab?", ("Ab",), view(twice)) == ()
