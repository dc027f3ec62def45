"""Questions about what sort of picture it is."""

import random

from training.dialogue import Task
from training.drawing import Chart, Cover, Drawing, Page, Scene
from training.talk.question import Deck, Question, View, always, say

SORTS = (
    "a book cover",
    "a bar chart",
    "a line chart",
    "a pie chart",
    "a picture with shapes",
    "a sign with text",
    "a page with text",
    "a receipt",
    "a table",
)


def sort_of(drawing: Drawing) -> str:
    """One of `SORTS`."""
    match drawing.facts:
        case Cover():
            return "a book cover"
        case Chart(what=what):
            return f"a {what} chart"
        case Scene():
            return "a picture with shapes"
        case Page(what="sign" | "page" as what):
            return f"a {what} with text"
        case Page(what=what):
            return f"a {what}"


def ask_sort(view: View) -> Question:
    """What it is."""
    return Question(
        task=Task.KIND,
        wording="sort.what",
        answer=say("This is ", view.point(sort_of(view.drawing)), "."),
        tells=frozenset({"sort"}),
        elsewhere=ask_sort,
    )


def _draw_whether(rng: random.Random, view: View) -> Question:
    """Whether it is a certain one; every second time it is."""
    sort = sort_of(view.drawing)
    asked = rng.choice((sort, rng.choice(SORTS)))
    return Question(
        task=Task.KIND,
        wording="sort.whether",
        fills={"sort": asked},
        answer=say("Yes" if asked == sort else "No", ", this is ", view.point(sort), "."),
        tells=frozenset({"sort"}),
    )


SORT = Deck({always(ask_sort): 2, _draw_whether: 1})
