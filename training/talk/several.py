"""Questions about several pictures at once: what each shows, and which of them is or has something."""

import random
from collections.abc import Callable, Sequence
from typing import Literal

from training.dialogue import Piece, Task
from training.drawing import Chart, Cover, Scene
from training.talk.question import (
    NUMBERS,
    ORDINALS,
    Question,
    View,
    add_article,
    enumerate_pieces,
    say,
    there_are,
)
from training.talk.refusals import ROUGHLY_ANYWHERE
from training.talk.sorts import SORTS, sort_of
from training.world.chance import chance

Views = Sequence[View]
PAIR = 2
LOOSER = {"a book cover": "a book", "a bar chart": "a chart", "a line chart": "a chart", "a pie chart": "a chart"}


def ask_all(views: Views) -> Question:
    """What each of them shows."""
    return Question(
        task=Task.KIND,
        wording="several.show",
        fills={"count": NUMBERS[len(views)]},
        answer=say("The ", enumerate_pieces(tell_all(views), ", the ", last=" and the "), "."),
        tells=frozenset({"sorts"}),
    )


def tell_all(views: Views) -> list[Piece]:
    """For each: "first picture is a bar chart"."""
    return [view.point(f"{ORDINALS[view.place]} picture is {sort_of(view.drawing)}") for view in views]


def _draw_all(_rng: random.Random, views: Views) -> Question:
    return ask_all(views)


def _draw_which_sort(rng: random.Random, views: Views) -> Question | None:
    """The only one of a sort, or none of them."""
    sort = sort_of(rng.choice(views).drawing) if chance(rng, 0.85) else rng.choice(SORTS)
    asked = LOOSER.get(sort, sort) if chance(rng, 0.3) else sort
    found = [view for view in views if asked in {sort_of(view.drawing), LOOSER.get(sort_of(view.drawing))}]
    if len(found) > 1:
        return None
    answer = say(f"None of the pictures is {asked}.")
    if found:
        answer = _say_which(found[0], f" picture is {sort_of(found[0].drawing)}.")
    return Question(
        task=Task.KIND,
        wording="several.which_sort",
        fills={"sort": asked, "count": NUMBERS[len(views)]},
        answer=answer,
        tells=frozenset({f"which is {sort}"}),
    )


def _draw_which_has(rng: random.Random, views: Views) -> Question | None:
    """The only one with a shape of that form, or of that form and colour."""
    if not (shapes := [shape for view in views for shape in view.drawing.shapes]):
        return None
    shape = rng.choice(shapes)
    if shape.form in ROUGHLY_ANYWHERE and any(isinstance(view.drawing.facts, Chart) for view in views):
        return None
    name = shape.form if chance(rng, 0.4) else shape.name
    found = [(view, other) for view in views for other in view.drawing.shapes if name in {other.form, other.name}]
    if len(found) != 1:
        return None
    ((view, only),) = found
    return Question(
        task=Task.PRESENCE,
        wording="several.which_has",
        fills={"thing": add_article(name)},
        answer=say(
            "The ", view.point(ORDINALS[view.place]), " picture has ", view.point(add_article(name), only.box), "."
        ),
        tells=frozenset({f"which has {shape.name}"}),
    )


def _draw_more(_rng: random.Random, views: Views) -> Question | None:
    """Which of two scenes has more shapes."""
    if len(views) != PAIR or not all(isinstance(view.drawing.facts, Scene) for view in views):
        return None
    fewer, more = sorted(views, key=lambda view: len(view.drawing.shapes))
    if len(fewer.drawing.shapes) == len(more.drawing.shapes):
        return None
    number = more.point_at(ORDINALS[more.place], more.drawing.shapes)
    return Question(
        task=Task.COUNT,
        wording="several.more",
        answer=say("The ", number, " picture has more shapes."),
        tells=frozenset({"more"}),
    )


def _draw_count(_rng: random.Random, views: Views) -> Question:
    return Question(
        task=Task.COUNT,
        wording="several.count",
        answer=say("".join(there_are(len(views), "picture"))),
        tells=frozenset({"how many"}),
    )


def _draw_titles(_rng: random.Random, views: Views) -> Question | None:
    return _ask_both(views, "title", quote='"')


def _draw_authors(_rng: random.Random, views: Views) -> Question | None:
    return _ask_both(views, "author")


def _ask_both(views: Views, what: Literal["title", "author"], *, quote: str = "") -> Question | None:
    """Of the only two books."""
    covers = [(view, view.drawing.facts) for view in views if isinstance(view.drawing.facts, Cover)]
    if len(covers) != PAIR:
        return None
    first, second = (view.spell(getattr(cover, what)) for view, cover in covers)
    return Question(
        task=Task.TITLE if what == "title" else Task.AUTHOR,
        wording=f"several.{what}s",
        answer=say(
            f"The first {what} is {quote}", first, f"{quote} and the second {what} is {quote}", second, f"{quote}."
        ),
        tells=frozenset({f"{what}s"}),
    )


def _say_which(view: View, rest: str) -> tuple[Piece, ...]:
    return say("The ", view.point(ORDINALS[view.place]), rest)


WEIGHTS: dict[Callable[[random.Random, Views], Question | None], float] = {
    _draw_all: 3,
    _draw_which_sort: 3,
    _draw_which_has: 2,
    _draw_more: 2,
    _draw_count: 0.4,
    _draw_titles: 2,
    _draw_authors: 2,
}


def draw_several(rng: random.Random, views: Views, *, tries: int = 6) -> Question | None:
    """One of them, if any of those tried can be asked."""
    drawers = rng.choices(tuple(WEIGHTS), tuple(WEIGHTS.values()), k=tries)
    return next((question for drawer in drawers if (question := drawer(rng, views))), None)
