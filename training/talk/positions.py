"""Questions about where shapes are, asked only where nobody could answer otherwise.

Lengths are parts of the picture: of its longer side between two shapes, of width and height within the picture.
"""

import functools
import random
from collections.abc import Callable, Sequence

import msgspec

from training.dialogue import Piece, Task
from training.drawing import Shape
from training.talk.question import Drawer, Question, View, say
from training.world.chance import chance

CLEARLY = 0.12  # how far a shape is left of another, middle to middle, that is left of it
HARDLY = 0.04  # that is not
UNSURE = 0.05  # of width or height, on both sides of a border between thirds or halves
OUTER = 1 / 6  # from the middle: where the outer third begins, and nobody says "in the middle" any more
SLOPE = 0.4  # across per length: what is beside something is hardly above it
NARROW = 0.55  # a picture whose one side is a smaller part of the other is not parted along it

# Steps from the middle, across and down, to what people say.
PLACES = {
    (-1, -1): "at the top left",
    (0, -1): "at the top",
    (1, -1): "at the top right",
    (-1, 0): "on the left",
    (0, 0): "in the middle",
    (1, 0): "on the right",
    (-1, 1): "at the bottom left",
    (0, 1): "at the bottom",
    (1, 1): "at the bottom right",
}
SIDES = tuple(step for step in PLACES if 0 in step and any(step))


class Relation(msgspec.Struct, frozen=True, kw_only=True):
    """One side of something: `axis` is 0 across and 1 down, `sign` -1 towards the left or the top."""

    name: str
    opposite: str
    furthest: str
    axis: int
    sign: int

    def lead(self, one: Shape, other: Shape) -> float:
        """How far `one` is on this side of `other`, in pixels."""
        return (middle(one)[self.axis] - middle(other)[self.axis]) * self.sign


RELATIONS = (
    Relation(name="to the left of", opposite="to the right of", furthest="to the left", axis=0, sign=-1),
    Relation(name="to the right of", opposite="to the left of", furthest="to the right", axis=0, sign=1),
    Relation(name="above", opposite="below", furthest="up", axis=1, sign=-1),
    Relation(name="below", opposite="above", furthest="down", axis=1, sign=1),
)
# Questions shorten names now and then; answers do not.
SHORTER = {"to the left of": "left of", "to the right of": "right of"}


def middle(shape: Shape) -> tuple[float, float]:
    """X and y, in pixels."""
    left, top, right, bottom = shape.box
    return (left + right) / 2, (top + bottom) / 2


def ask_where(view: View, *, form: str) -> Question | None:
    """The place of the only shape of a form, when it is surely there."""
    found = [shape for shape in view.drawing.shapes if shape.form == form]
    return _ask_where(view, found[0], form) if len(found) == 1 else None


def call(rng: random.Random, shape: Shape, shapes: Sequence[Shape]) -> str:
    """By its form where that is enough, and not always then."""
    alone = sum(other.form == shape.form for other in shapes) == 1
    return shape.form if alone and chance(rng, 0.7) else shape.name


def find_place(view: View, shape: Shape) -> str | None:
    """Which of the nine parts of the picture (three, of a banner) it is in, unless it is near a border."""
    size = view.drawing.image.size
    steps = []
    for axis, length in enumerate(size):
        if length < NARROW * max(size):
            steps.append(0)
            continue
        part = middle(shape)[axis] / length
        if min(abs(part - 1 / 3), abs(part - 2 / 3)) < UNSURE:
            return None
        steps.append(int(part * 3) - 1)
    return PLACES[steps[0], steps[1]]


def _draw_where(rng: random.Random, view: View) -> Question | None:
    shape = rng.choice(view.drawing.shapes)
    return _ask_where(view, shape, call(rng, shape, view.drawing.shapes))


def _ask_where(view: View, shape: Shape, name: str) -> Question | None:
    place = find_place(view, shape)
    if place is None:
        return None
    return Question(
        task=Task.POSITION,
        wording="scene.where",
        fills={"name": name},
        answer=say("The ", view.point(name, shape.box), " is ", view.point(place, shape.box), "."),
        tells=frozenset({f"where the {shape.name} is", name}),
        thread="where",
        short_wording="short.and",
        referent=shape,
        it_wording="scene.where_is_it",
        elsewhere=functools.partial(ask_where, form=shape.form) if name == shape.form else None,
    )


def _draw_side(rng: random.Random, view: View) -> Question | None:
    """What is on one side, when all else is on the other."""
    return ask_side(view, step=rng.choice(SIDES))


def ask_side(view: View, *, step: tuple[int, int]) -> Question | None:
    """The only shape of a half of the picture, if it is in the outer third."""
    axis = 0 if step[0] else 1
    length = view.drawing.image.size[axis]
    if length < NARROW * max(view.drawing.image.size):
        return None
    leads = [(middle(shape)[axis] / length - 0.5) * step[axis] for shape in view.drawing.shapes]
    found = [shape for shape, lead in zip(view.drawing.shapes, leads, strict=True) if lead > 0]
    if len(found) != 1 or any(abs(lead) < UNSURE for lead in leads) or max(leads) < OUTER:
        return None
    (shape,) = found
    place = PLACES[step]
    return Question(
        task=Task.POSITION,
        wording="scene.side",
        fills={"place": place},
        answer=say("The ", view.point(shape.name, shape.box), " is ", view.point(place, shape.box), "."),
        tells=frozenset({f"what is {place}", shape.name}),
        thread="side",
        short_wording="short.side",
        referent=shape,
        elsewhere=functools.partial(ask_side, step=step),
    )


def _draw_furthest(rng: random.Random, view: View) -> Question | None:
    return ask_furthest(view, relation=rng.choice(RELATIONS))


def ask_furthest(view: View, *, relation: Relation) -> Question | None:
    """The outermost shape of one side, clearly before the next."""
    shapes = sorted(view.drawing.shapes, key=lambda shape: middle(shape)[relation.axis] * relation.sign, reverse=True)
    if not shapes[1:] or relation.lead(shapes[0], shapes[1]) < CLEARLY * max(view.drawing.image.size):
        return None
    shape = shapes[0]
    return Question(
        task=Task.POSITION,
        wording="scene.furthest",
        fills={"place": relation.furthest},
        answer=say(
            "The ",
            view.point(shape.name, shape.box),
            " is the furthest ",
            view.point(relation.furthest, shape.box),
            ".",
        ),
        tells=frozenset({f"furthest {relation.furthest}", shape.name}),
        referent=shape,
        elsewhere=functools.partial(ask_furthest, relation=relation),
    )


def _draw_beside(rng: random.Random, view: View) -> Question | None:
    """What is on one side of a shape: a single one, or nothing."""
    shape, relation = rng.choice(view.drawing.shapes), rng.choice(RELATIONS)
    longer = max(view.drawing.image.size)
    leads = {other.name: relation.lead(other, shape) / longer for other in view.drawing.shapes if other is not shape}
    found = [other for other in view.drawing.shapes if leads.get(other.name, 0) >= CLEARLY]
    unsure = any(HARDLY < lead < CLEARLY for lead in leads.values())
    if unsure or not leads or len(found) > 1 or (not found and chance(rng, 0.6)):
        return None
    name = call(rng, shape, view.drawing.shapes)
    place = view.point(relation.name, shape.box)
    subject: tuple[str | Piece, ...] = ("Nothing",)
    if found:
        subject = ("The ", view.point(found[0].name, found[0].box))
    return Question(
        task=Task.POSITION,
        wording="scene.beside",
        fills={"relation": _shorten(rng, relation.name), "name": name},
        answer=say(*subject, " is ", place, " the ", view.point(name, shape.box), "."),
        tells=frozenset({f"what is {relation.name} the {shape.name}", name, *(other.name for other in found)}),
        referent=found[0] if found else None,
    )


def _draw_whether(rng: random.Random, view: View) -> Question | None:
    """Whether one is on a side of another."""
    drawn = _draw_two(rng, view, lambda relation, one, other: abs(relation.lead(one, other)))
    if not drawn:
        return None
    one, other, relation, names = drawn
    is_so = relation.lead(one, other) > 0
    return Question(
        task=Task.POSITION,
        wording="scene.whether",
        fills={"name": names[0], "other": names[1], "relation": _shorten(rng, relation.name)},
        answer=say(
            view.point("Yes" if is_so else "No", one.box, other.box),
            ", the ",
            view.point(names[0], one.box),
            " is ",
            view.point(relation.name if is_so else relation.opposite, one.box, other.box),
            " the ",
            view.point(names[1], other.box),
            ".",
        ),
        tells=frozenset({" and ".join(sorted({one.name, other.name})), *names}),
    )


def _draw_relative(rng: random.Random, view: View) -> Question | None:
    """On which side of another one is, when it is on one only."""

    def lead(relation: Relation, one: Shape, other: Shape) -> float:
        across = abs(middle(one)[1 - relation.axis] - middle(other)[1 - relation.axis])
        return relation.lead(one, other) if across < SLOPE * relation.lead(one, other) else 0

    drawn = _draw_two(rng, view, lead)
    if not drawn:
        return None
    one, other, relation, names = drawn
    return Question(
        task=Task.POSITION,
        wording="scene.relative",
        fills={"name": names[0], "other": names[1]},
        answer=say(
            "The ",
            view.point(names[0], one.box),
            " is ",
            view.point(relation.name, one.box, other.box),
            " the ",
            view.point(names[1], other.box),
            ".",
        ),
        tells=frozenset({" and ".join(sorted({one.name, other.name})), *names}),
    )


def _draw_two(
    rng: random.Random, view: View, lead: Callable[[Relation, Shape, Shape], float]
) -> tuple[Shape, Shape, Relation, tuple[str, str]] | None:
    """Two shapes of which the one clearly leads on some side, and what they are called."""
    shapes = view.drawing.shapes
    if len(shapes) == 1:
        return None
    one, other = rng.sample(shapes, 2)
    relations = [
        relation for relation in RELATIONS if lead(relation, one, other) >= CLEARLY * max(view.drawing.image.size)
    ]
    if not relations:
        return None
    return one, other, rng.choice(relations), (call(rng, one, shapes), call(rng, other, shapes))


def _shorten(rng: random.Random, name: str) -> str:
    return SHORTER.get(name, name) if chance(rng, 0.5) else name


POSITIONS: dict[Drawer, float] = {
    _draw_where: 3,
    _draw_side: 3,
    _draw_furthest: 1.5,
    _draw_beside: 2.5,
    _draw_whether: 2,
    _draw_relative: 1.5,
}
