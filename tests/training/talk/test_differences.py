import pytest

from tests.training.talk.drawn import BAR_CHART, COVER, SIGN, scene, shape, text, view
from tests.training.talk.saying import said
from training.drawing import Box
from training.talk.differences import ask_difference, ask_odd_one, ask_same
from training.talk.question import Question
from training.world import Change, Mark, What

SQUARE, BLUE, STAR = shape("orange square", 50, 50), shape("blue square", 50, 50), shape("orange star", 50, 50)
AWAY = shape("orange square", 150, 150)
BEFORE, AFTER = view(scene(SQUARE), 0), view(scene(BLUE), 1)


def where(question: Question) -> list[tuple[str, int, tuple[Box, ...]]]:
    return [(piece.text, piece.cite.picture, piece.cite.boxes) for piece in question.answer if piece.cite]


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        (Change(what=What.COLOUR, before=SQUARE, after=BLUE), "The orange square is now blue."),
        (Change(what=What.FORM, before=SQUARE, after=STAR), "The orange square is now a star."),
        (Change(what=What.GONE, before=SQUARE), "The orange square is gone."),
        (Change(what=What.NEW, after=STAR), "There is a new orange star."),
        (Change(what=What.MOVED, before=SQUARE, after=AWAY), "The orange square has moved."),
        (Change(what=What.BACKGROUND, before="white", after="pink"), "The background is now pink."),
        (Change(what=What.COVER, before="white", after="pink"), "The cover is now pink."),
        (Change(what=What.NOTHING), "Nothing is different."),
        (Change(what=What.ALTOGETHER), "The pictures are quite different."),
    ],
)
def test_a_difference_is_told_in_one_sentence(change: Change, answer: str) -> None:
    assert said(ask_difference(BEFORE, AFTER, change)) == answer


def test_a_difference_points_to_what_was_and_to_what_is() -> None:
    question = ask_difference(BEFORE, AFTER, Change(what=What.COLOUR, before=SQUARE, after=BLUE))

    assert where(question) == [
        ("The ", 1, (SQUARE.box,)),
        ("orange square", 0, (SQUARE.box,)),
        (" is now blue", 1, (BLUE.box,)),
    ]


def test_what_has_moved_is_missed_at_one_place_and_seen_at_another() -> None:
    question = ask_difference(BEFORE, AFTER, Change(what=What.MOVED, before=SQUARE, after=AWAY))
    assert where(question)[-1] == (" has moved", 1, (SQUARE.box, AWAY.box))


def test_what_is_gone_was_in_the_first_picture_and_what_is_new_is_in_the_second() -> None:
    assert where(ask_difference(BEFORE, AFTER, Change(what=What.GONE, before=SQUARE)))[1][1] == 0
    assert where(ask_difference(BEFORE, AFTER, Change(what=What.NEW, after=BLUE)))[0][1] == 1


def test_new_words_are_read_from_the_second_picture() -> None:
    cover, sign = view(COVER, 1), view(SIGN, 1)
    title = ask_difference(BEFORE, cover, Change(what=What.TITLE, before=text("Old"), after=COVER.title))
    author = ask_difference(BEFORE, cover, Change(what=What.AUTHOR, before=text("Old"), after=COVER.author))
    line = ask_difference(BEFORE, sign, Change(what=What.WORD, before=text("Old"), after=SIGN.rows[1][0]))

    assert said(title) == 'The title is now "Night River".'
    assert said(author) == "The author is now Clara Stone."
    assert said(line) == 'The second line now says "qwzt".'
    assert where(line) == [("The second line", 1, (SIGN.rows[1][0].box,)), ("qwzt", 1, SIGN.rows[1][0].glyphs)]
    assert [piece.text for piece in line.answer if piece.spelled] == ["qwzt"]


@pytest.mark.parametrize(("value", "word"), [(0.1, "shorter"), (0.7, "taller")])
def test_a_bar_grows_or_shrinks(value: float, word: str) -> None:
    old, new = (Mark(label=BAR_CHART.labels[0], value=height, box=BAR_CHART.marks[0]) for height in (0.3, value))
    question = ask_difference(view(BAR_CHART, 0), view(BAR_CHART, 1), Change(what=What.BAR, before=old, after=new))

    assert said(question) == f"The bar Ab is now {word}."


def test_pictures_of_two_sorts_are_told_by_their_sorts() -> None:
    question = ask_difference(view(BAR_CHART, 0), view(COVER, 1), Change(what=What.ALTOGETHER))

    assert said(question) == "The first picture is a bar chart and the second picture is a book cover."


@pytest.mark.parametrize(
    ("what", "doubting", "answer"),
    [
        (What.NOTHING, False, "Yes, the pictures are the same."),
        (What.NOTHING, True, "No, the pictures are the same."),
        (What.ALTOGETHER, False, "No, the pictures are different."),
        (What.ALTOGETHER, True, "Yes, the pictures are different."),
    ],
)
def test_yes_and_no_fit_the_question(what: What, doubting: bool, answer: str) -> None:  # noqa: FBT001 - a parameter
    assert said(ask_same(BEFORE, AFTER, Change(what=what), doubting=doubting)) == answer


def test_the_odd_one_is_pointed_to_where_it_differs() -> None:
    views = (view(scene(SQUARE), 0), view(scene(SQUARE, BLUE), 1), view(scene(SQUARE), 2))
    question = ask_odd_one(views, 1)

    assert said(question) == "The second picture is different."
    assert where(question) == [("second", 1, (BLUE.box,))]
