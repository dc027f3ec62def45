"""Questions about tables. Rows are counted from the top, the names of the columns being the first."""

import functools
import random

from training.dialogue import Task
from training.drawing import Page, Text
from training.talk.question import ORDINALS, Deck, Question, View, always, enumerate_pieces, say, there_are

Rows = tuple[tuple[Text, ...], ...]


def rows_of(view: View) -> Rows:
    """Of a table, or none."""
    page = view.drawing.facts
    return page.rows if isinstance(page, Page) and page.what == "table" else ()


def ask_cell(view: View, *, row: int, column: int) -> Question | None:
    """What stands in a row and a column, counted from 0."""
    rows = rows_of(view)
    if row >= len(rows) or column >= len(rows[row]):
        return None
    cell = rows[row][column]
    return Question(
        task=Task.TEXT,
        wording="page.cell",
        fills={
            "row": ORDINALS[row],
            "column": ORDINALS[column],
            "row_number": str(row + 1),
            "column_number": str(column + 1),
        },
        answer=say('The cell says "', view.spell(cell), '".'),
        tells=frozenset({f"cell {row} {column}"}),
        elsewhere=functools.partial(ask_cell, row=row, column=column),
    )


def ask_columns(view: View) -> Question | None:
    """How many there are."""
    if not (rows := rows_of(view)):
        return None
    before, number, after = there_are(len(rows[0]), "column")
    return Question(
        task=Task.COUNT,
        wording="page.columns",
        answer=say(before, view.point(number, *(text.box for text in rows[0])), after),
        tells=frozenset({"how many"}),
        elsewhere=ask_columns,
    )


def ask_headers(view: View) -> Question | None:
    """The names of the columns."""
    if not (rows := rows_of(view)):
        return None
    return Question(
        task=Task.TEXT,
        wording="page.headers",
        answer=say("The columns are ", enumerate_pieces([view.spell(text) for text in rows[0]]), "."),
        tells=frozenset({"columns", "how many"}),
        elsewhere=ask_headers,
    )


def ask_description(view: View) -> Question | None:
    """What the picture shows."""
    if not (rows := rows_of(view)):
        return None
    names = enumerate_pieces([view.spell(text) for text in rows[0]])
    return Question(
        task=Task.DESCRIBE,
        wording="page.describe",
        fills={"what": "table"},
        answer=say(view.point("A table"), " with the columns ", names, "."),
        tells=frozenset({"columns", "how many", "sort"}),
    )


def _draw_cell(rng: random.Random, view: View) -> Question | None:
    rows = rows_of(view)
    return ask_cell(view, row=rng.randrange(len(rows)), column=rng.randrange(len(rows[0]))) if rows else None


def _draw_lookup(rng: random.Random, view: View) -> Question | None:
    """A cell by its column's name and what the row begins with, where both are the only ones."""
    rows = rows_of(view)
    row, column = rng.randrange(1, len(rows)), rng.randrange(1, len(rows[0]))
    name, header, cell = rows[row][0], rows[0][column], rows[row][column]
    names, headers = [other[0].text.lower() for other in rows], [other.text.lower() for other in rows[0]]
    if names.count(name.text.lower()) > 1 or headers.count(header.text.lower()) > 1:
        return None
    return Question(
        task=Task.TEXT,
        wording="page.lookup",
        fills={"header": header.text, "name": name.text},
        answer=say("The ", view.spell(header), " of ", view.spell(name), " is ", view.spell(cell), "."),
        tells=frozenset({f"cell {row} {column}"}),
    )


TABLES = Deck(
    {
        _draw_cell: 4,
        _draw_lookup: 4,
        always(ask_columns): 1.5,
        always(ask_headers): 2,
        always(ask_description): 1,
    }
)
