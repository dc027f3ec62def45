"""Questions about coloured shapes: their colours, forms and number, and which of them are there."""

import functools
import itertools
import random
from collections.abc import Sequence

from training.dialogue import Task
from training.drawing import Scene, Shape
from training.talk.positions import POSITIONS, ask_where
from training.talk.question import (
    Deck,
    Question,
    View,
    add_article,
    always,
    count_words,
    enumerate_pieces,
    pluralise,
    say,
    there_are,
)
from training.world.chance import chance
from training.world.colours import COLOURS
from training.world.forms import FORMS

APART = 0.03  # of the width: shapes that are listed have their middles so far apart, so that their order is certain
BESIDE = 0.15  # of the width: how clearly the left one of two is on the left


def ask_colour(view: View, *, form: str) -> Question | None:
    """Of the only shape of a form."""
    found = find(view.drawing.shapes, form=form)
    return _ask_colour(view, found[0], form) if len(found) == 1 else None


def ask_shape(view: View, *, colour: str) -> Question | None:
    """The form of the only shape of a colour."""
    found = find(view.drawing.shapes, colour=colour)
    if len(found) != 1:
        return None
    (shape,) = found
    return Question(
        task=Task.SHAPE,
        wording="scene.shape",
        fills={"colour": colour},
        answer=say(
            "The ", view.point(colour, shape.box), " shape is ", view.point(add_article(shape.form), shape.box), "."
        ),
        tells=frozenset({shape.name}),
        referent=shape,
        elsewhere=functools.partial(ask_shape, colour=colour),
    )


def ask_count(view: View, *, form: str | None = None, colour: str | None = None) -> Question:
    """How many shapes, of a form or a colour or at all."""
    found = find(view.drawing.shapes, form=form, colour=colour)
    name = form or (f"{colour} shape" if colour else "shape")
    before, number, after = there_are(len(found), name)
    things = pluralise(name)
    return Question(
        task=Task.COUNT,
        wording="scene.count",
        fills={"things": things},
        answer=say(before, view.point_at(number, found), after),
        tells=frozenset({f"how many {things}"}),
        thread="how many",
        short_wording="short.count",
        elsewhere=functools.partial(ask_count, form=form, colour=colour),
    )


def ask_presence(view: View, *, form: str | None = None, colour: str | None = None) -> Question:
    """Whether there is a shape of a form, of a colour, or of both."""
    found = find(view.drawing.shapes, form=form, colour=colour)
    name = " ".join(word for word in (colour, form or "shape") if word)
    match found:
        case ():
            answer = say(f"No, there is no {name}.")
        case (shape,):
            answer = say(
                view.point("Yes", shape.box), ", there is ", view.point(add_article(shape.name), shape.box), "."
            )
        case _:
            words = count_words(len(found), name)
            answer = say(view.point_at("Yes", found), ", there are ", view.point_at(words, found), ".")
    return Question(
        task=Task.PRESENCE,
        wording="scene.presence",
        fills={"thing": add_article(name)},
        answer=answer,
        tells=frozenset({shape.name for shape in found} or {f"no {name}"}),
        thread="presence",
        short_wording="short.presence",
        referent=found[0] if len(found) == 1 else None,
        elsewhere=functools.partial(ask_presence, form=form, colour=colour),
    )


def ask_background(view: View) -> Question | None:
    """Its colour."""
    if not isinstance(view.drawing.facts, Scene):
        return None
    return Question(
        task=Task.COLOUR,
        wording="scene.background",
        answer=say("The background is ", view.point(view.drawing.facts.background), "."),
        tells=frozenset({"background"}),
        elsewhere=ask_background,
    )


def ask_about_it(view: View, shape: Shape) -> list[Question]:
    """What can be asked of the only shape of a form, which is called "it"."""
    questions = ask_colour(view, form=shape.form), ask_where(view, form=shape.form)
    return [question for question in questions if question]


def find(shapes: Sequence[Shape], *, form: str | None = None, colour: str | None = None) -> tuple[Shape, ...]:
    """All shapes of that form and colour; None: of any."""
    return tuple(shape for shape in shapes if form in {None, shape.form} and colour in {None, shape.colour})


def _ask_colour(view: View, shape: Shape, name: str) -> Question:
    return Question(
        task=Task.COLOUR,
        wording="scene.colour",
        fills={"name": name},
        answer=say("The ", view.point(name, shape.box), " is ", view.point(shape.colour, shape.box), "."),
        tells=frozenset({shape.name}),
        thread="colour",
        short_wording="short.and",
        referent=shape,
        it_wording="scene.its_colour",
        elsewhere=functools.partial(ask_colour, form=shape.form) if name == shape.form else None,
    )


def _draw_colour(rng: random.Random, view: View) -> Question | None:
    return ask_colour(view, form=rng.choice(view.drawing.shapes).form)


def _draw_colour_of_two(rng: random.Random, view: View) -> Question | None:
    """Of the left or the right one of two that have the same form."""
    pair = find(view.drawing.shapes, form=rng.choice(view.drawing.shapes).form)
    if len(pair) != 2:  # noqa: PLR2004 - a left and a right one
        return None
    left, right = sorted(pair, key=_middle)
    if _middle(right) - _middle(left) < BESIDE * view.drawing.image.width:
        return None
    side, shape = rng.choice((("left", left), ("right", right)))
    return _ask_colour(view, shape, f"{side} {shape.form}")


def _draw_shape(rng: random.Random, view: View) -> Question | None:
    return ask_shape(view, colour=rng.choice(view.drawing.shapes).colour)


def _draw_count_of(rng: random.Random, view: View) -> Question:
    """Mostly of what is there."""
    shape = rng.choice(view.drawing.shapes)
    there = chance(rng, 0.75)
    if chance(rng, 0.5):
        return ask_count(view, form=shape.form if there else rng.choice(FORMS))
    return ask_count(view, colour=shape.colour if there else rng.choice(COLOURS))


def _draw_presence(rng: random.Random, view: View) -> Question:
    """Mostly of a form and a colour that are both there, on one shape or not."""
    shapes = view.drawing.shapes
    shape = rng.choice(shapes)
    match rng.choices(("there", "mixed", "other", "form", "colour"), (4, 3, 2, 2, 1))[0]:
        case "there":
            return ask_presence(view, form=shape.form, colour=shape.colour)
        case "mixed":
            return ask_presence(view, form=shape.form, colour=rng.choice(shapes).colour)
        case "other":
            return ask_presence(view, form=rng.choice(FORMS), colour=rng.choice((shape.colour, rng.choice(COLOURS))))
        case "form":
            return ask_presence(view, form=rng.choice((shape.form, rng.choice(FORMS))))
        case _:
            return ask_presence(view, colour=rng.choice((shape.colour, rng.choice(COLOURS))))


def ask_list(view: View) -> Question | None:
    """From left to right, where that is certain."""
    if not (shapes := _in_order(view)):
        return None
    names = [view.point(add_article(shape.name), shape.box) for shape in shapes]
    verb = "is" if len(shapes) == 1 else "are"
    return Question(
        task=Task.DESCRIBE,
        wording="scene.list",
        answer=say(f"There {verb} ", enumerate_pieces(names), "."),
        tells=frozenset({shape.name for shape in shapes} | {"how many shapes"}),
    )


def ask_description(view: View) -> Question | None:
    """How many there are, and which."""
    if not (shapes := _in_order(view)):
        return None
    names = [view.point(add_article(shape.name), shape.box) for shape in shapes]
    count = view.point_at(count_words(len(shapes), "shape").capitalize(), shapes)
    return Question(
        task=Task.DESCRIBE,
        wording="scene.describe",
        answer=say(count, ": ", enumerate_pieces(names), "."),
        tells=frozenset({shape.name for shape in shapes} | {"how many shapes"}),
    )


def ask_text(_view: View) -> Question:
    """Scenes have none."""
    return Question(task=Task.TEXT, wording="scene.no_text", answer=say("There is no text."), tells=frozenset({"text"}))


def _in_order(view: View) -> tuple[Shape, ...]:
    """All shapes from left to right, or none where two may be said in either order."""
    shapes = sorted(view.drawing.shapes, key=_middle)
    gap = APART * view.drawing.image.width
    certain = all(_middle(right) - _middle(left) >= gap for left, right in itertools.pairwise(shapes))
    return tuple(shapes) if certain else ()


def _middle(shape: Shape) -> float:
    return (shape.box[0] + shape.box[2]) / 2


SCENES = Deck(
    {
        _draw_colour: 4,
        _draw_colour_of_two: 3,
        _draw_shape: 4,
        always(ask_count): 3,
        _draw_count_of: 3,
        _draw_presence: 3,
        always(ask_background): 1.5,
        always(ask_list): 1,
        always(ask_description): 1.5,
        always(ask_text): 0.3,
    }
    | POSITIONS
)
