import msgspec

from tests.training.talk.drawn import RECEIPT, SIGN, text, view
from tests.training.talk.saying import check_places, drawn, pointed, said
from training.talk.pages import LAST, SIGNS, ask_colour, ask_count, ask_description, ask_line, ask_text

VIEW = view(SIGN)
ONE_LINE = view(msgspec.structs.replace(SIGN, rows=SIGN.rows[:1]))
PAGE = view(msgspec.structs.replace(SIGN, what="page"))


def test_a_sign_is_read_in_the_words_of_the_examples() -> None:
    assert said(ask_text(ONE_LINE)) == 'The text says "OPEN".'
    assert said(ask_text(VIEW)) == 'The text says "OPEN qwzt".'
    assert said(ask_description(ONE_LINE)) == 'A sign with the text "OPEN".'


def test_a_page_is_described_by_its_first_line() -> None:
    assert said(ask_description(PAGE)) == 'A page with two lines. The first line says "OPEN".'


def test_lines_are_read_one_by_one() -> None:
    assert said(ask_line(VIEW, place=1)) == 'The second line says "qwzt".'
    assert said(ask_line(VIEW, place=LAST)) == 'The last line says "qwzt".'
    assert pointed(ask_line(VIEW, place=0)) == {"OPEN": SIGN.rows[0][0].glyphs}


def test_a_line_that_is_not_there_or_alone_is_not_asked_for() -> None:
    assert ask_line(VIEW, place=2) is None
    assert ask_line(ONE_LINE, place=0) is None


def test_lines_are_counted_and_the_ground_has_a_colour() -> None:
    assert said(ask_count(VIEW)) == "There are two lines."
    assert said(ask_count(ONE_LINE)) == "There is one line."
    assert said(ask_colour(VIEW)) == "The sign is green."


def test_a_receipt_has_no_lines_of_text() -> None:
    assert ask_text(view(RECEIPT)) is None


def test_all_that_is_said_can_be_seen_where_it_points() -> None:
    many = view(msgspec.structs.replace(SIGN, what="page", rows=tuple((text(f"w {n}", 20 * n),) for n in range(5))))
    for question in drawn(SIGNS.draw, many, count=80):
        check_places(question, (many.drawing,))
