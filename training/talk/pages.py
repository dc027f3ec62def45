"""Questions about signs and pages of lines."""

import functools
import random

from training.dialogue import Piece, Task
from training.drawing import Page
from training.talk.question import (
    ORDINALS,
    Deck,
    Question,
    View,
    always,
    count_words,
    enumerate_pieces,
    say,
    there_are,
)

LINED = {"sign", "page"}
LAST = -1


def lined(view: View) -> Page | None:
    """The sign or page, if it is one."""
    page = view.drawing.facts
    return page if isinstance(page, Page) and page.what in LINED else None


def ask_text(view: View) -> Question | None:
    """All of it."""
    if not (page := lined(view)):
        return None
    return Question(
        task=Task.TEXT,
        wording="page.text",
        fills={"what": page.what},
        answer=say('The text says "', _spell_lines(view, page), '".'),
        tells=frozenset(row[0].text for row in page.rows),
        elsewhere=ask_text,
    )


def ask_line(view: View, *, place: int) -> Question | None:
    """One of several lines, from the top; `LAST` for the last."""
    page = lined(view)
    if not page or len(page.rows) == 1 or place >= len(page.rows):
        return None
    ordinal = "last" if place == LAST else ORDINALS[place]
    (line,) = page.rows[place]
    return Question(
        task=Task.TEXT,
        wording="page.line",
        fills={"ordinal": ordinal, "name": f"{ordinal} line"},
        answer=say(f'The {ordinal} line says "', view.spell(line), '".'),
        tells=frozenset({line.text}),
        thread="line",
        short_wording="short.and",
        elsewhere=functools.partial(ask_line, place=place),
    )


def ask_count(view: View) -> Question | None:
    """How many lines there are."""
    if not (page := lined(view)):
        return None
    before, number, after = there_are(len(page.rows), "line")
    return Question(
        task=Task.COUNT,
        wording="page.lines",
        fills={"what": page.what},
        answer=say(before, view.point(number, *(row[0].box for row in page.rows)), after),
        tells=frozenset({"how many"}),
        elsewhere=ask_count,
    )


def ask_colour(view: View) -> Question | None:
    """The ground's colour."""
    if not (page := lined(view)):
        return None
    return Question(
        task=Task.COLOUR,
        wording="page.colour",
        fills={"what": page.what},
        answer=say(f"The {page.what} is ", view.point(page.colour), "."),
        tells=frozenset({"colour"}),
    )


def ask_description(view: View) -> Question | None:
    """What the picture shows: a sign's words, a page's first line."""
    if not (page := lined(view)):
        return None
    if page.what == "sign":
        answer = say(view.point("A sign"), ' with the text "', _spell_lines(view, page), '".')
        told = page.rows
    else:
        lines = count_words(len(page.rows), "line")
        answer = say(view.point("A page"), f' with {lines}. The first line says "', view.spell(page.rows[0][0]), '".')
        told = page.rows[:1]
    return Question(
        task=Task.DESCRIBE,
        wording="page.describe",
        fills={"what": page.what},
        answer=answer,
        tells=frozenset({"sort", *(row[0].text for row in told)}),
    )


def _draw_line(rng: random.Random, view: View) -> Question | None:
    page = lined(view)
    return ask_line(view, place=rng.randrange(LAST, len(page.rows))) if page else None


def _spell_lines(view: View, page: Page) -> list[Piece]:
    return enumerate_pieces([view.spell(row[0]) for row in page.rows], " ", last=" ")


SIGNS = Deck(
    {
        always(ask_text): 5,
        _draw_line: 4,
        always(ask_count): 1.5,
        always(ask_colour): 1,
        always(ask_description): 1.5,
    }
)
