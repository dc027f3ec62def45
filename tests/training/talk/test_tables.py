import msgspec

from tests.training.talk.drawn import TABLE, text, view
from tests.training.talk.saying import check_places, drawn, pointed, said
from training.talk.tables import TABLES, ask_cell, ask_columns, ask_description, ask_headers

VIEW = view(TABLE)


def test_a_cell_is_found_by_row_and_column() -> None:
    question = ask_cell(VIEW, row=2, column=1)

    assert question
    assert (question.fills["row"], question.fills["column_number"]) == ("third", "2")
    assert said(question) == 'The cell says "45".'
    assert pointed(question) == {"45": TABLE.rows[2][1].glyphs}
    assert ask_cell(VIEW, row=3, column=0) is None


def test_a_cell_is_found_by_its_column_and_what_its_row_begins_with() -> None:
    answers = {said(question) for question in drawn(TABLES.draw, VIEW) if question.wording == "page.lookup"}

    assert answers == {"The Age of Ann is 31.", "The Age of Bob is 45."}


def test_rows_that_begin_alike_are_not_looked_up() -> None:
    alike = msgspec.structs.replace(TABLE, rows=(*TABLE.rows[:2], (text("ann", 60), text("45", 60, 100))))

    assert "page.lookup" not in {question.wording for question in drawn(TABLES.draw, view(alike))}


def test_columns_are_counted_and_named() -> None:
    assert said(ask_columns(VIEW)) == "There are two columns."
    assert said(ask_headers(VIEW)) == "The columns are Name and Age."
    assert said(ask_description(VIEW)) == "A table with the columns Name and Age."


def test_all_that_is_said_can_be_seen_where_it_points() -> None:
    for question in drawn(TABLES.draw, VIEW, count=100):
        check_places(question, (VIEW.drawing,))
