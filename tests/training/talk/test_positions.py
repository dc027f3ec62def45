import random

import pytest

from tests.training.talk.drawn import scene, shape, view
from tests.training.talk.saying import drawn, pointed, said
from training.talk.positions import (
    POSITIONS,
    RELATIONS,
    SHORTER,
    ask_furthest,
    ask_side,
    ask_where,
    find_place,
    middle,
)
from training.talk.question import Deck, Question

STAR = shape("green star", 100, 100)
LEFT, RIGHT, ABOVE, BELOW = RELATIONS


@pytest.mark.parametrize(
    ("x", "y", "place"),
    [
        (30, 30, "at the top left"),
        (100, 30, "at the top"),
        (170, 100, "on the right"),
        (100, 100, "in the middle"),
        (30, 170, "at the bottom left"),
        (170, 170, "at the bottom right"),
    ],
)
def test_places_are_thirds_of_the_picture(x: float, y: float, place: str) -> None:
    one = shape("red circle", x, y)
    question = ask_where(view(scene(one)), form="circle")

    assert said(question) == f"The circle is {place}."
    assert pointed(question) == {"circle": (one.box,), place: (one.box,)}


@pytest.mark.parametrize(("x", "y"), [(66, 100), (100, 72), (128, 30)])
def test_nobody_asks_where_something_near_a_border_is(x: float, y: float) -> None:
    assert ask_where(view(scene(shape("red circle", x, y))), form="circle") is None


def test_where_nothing_is_drawn_nothing_is_the_furthest() -> None:
    assert ask_furthest(view(scene()), relation=LEFT) is None


def test_a_banner_has_no_top() -> None:
    one = shape("red circle", 350, 20)

    assert find_place(view(scene(one), size=(400, 100)), one) == "on the right"


def test_what_is_on_a_side_is_alone_there() -> None:
    left, right = shape("red circle", 40, 100), shape("blue cross", 160, 100)

    assert said(ask_side(view(scene(left, right)), step=(-1, 0))) == "The red circle is on the left."
    assert ask_side(view(scene(left, right, shape("pink star", 40, 160))), step=(-1, 0)) is None
    assert ask_side(view(scene(left, shape("pink star", 104, 160))), step=(-1, 0)) is None


def test_nothing_in_the_middle_third_is_on_a_side() -> None:
    near, right = shape("red circle", 80, 100), shape("blue cross", 160, 100)

    assert find_place(view(scene(near)), near) == "in the middle"
    assert ask_side(view(scene(near, right)), step=(-1, 0)) is None


def test_the_furthest_is_clearly_before_the_next() -> None:
    near, far = shape("red circle", 100, 60), shape("blue cross", 40, 150)

    assert said(ask_furthest(view(scene(near, far)), relation=LEFT)) == "The blue cross is the furthest to the left."
    assert said(ask_furthest(view(scene(near, far)), relation=ABOVE)) == "The red circle is the furthest up."
    assert ask_furthest(view(scene(near, shape("blue cross", 90, 150))), relation=LEFT) is None


def asked(kind: str, *shapes_at: tuple[str, float, float]) -> set[str]:
    shapes = [shape(*at) for at in shapes_at]
    questions = drawn(Deck(POSITIONS).draw, view(scene(*shapes)), count=400)
    return {said(question) for question in questions if question.wording == kind}


def test_what_is_beside_a_shape_is_one_thing_or_nothing() -> None:
    answers = asked("scene.beside", ("red circle", 40, 100), ("blue cross", 160, 102))

    assert "The red circle is to the left of the cross." in answers
    assert "Nothing is to the right of the cross." in answers
    assert not any("is above" in answer and "Nothing" not in answer for answer in answers)


def test_yes_and_no_are_true() -> None:
    answers = asked("scene.whether", ("red circle", 40, 100), ("blue cross", 160, 102))

    assert {answer.replace("red ", "").replace("blue ", "") for answer in answers} == {
        "Yes, the circle is to the left of the cross.",
        "No, the circle is to the left of the cross.",
        "Yes, the cross is to the right of the circle.",
        "No, the cross is to the right of the circle.",
    }


def test_on_which_side_something_lies_is_asked_where_it_lies_on_one_only() -> None:
    assert asked("scene.relative", ("red circle", 40, 40), ("blue cross", 160, 160)) == set()
    assert "The red circle is above the cross." in asked(
        "scene.relative", ("red circle", 100, 40), ("blue cross", 100, 160)
    )


def test_every_answer_about_two_shapes_agrees_with_their_middles() -> None:
    rng = random.Random(3)
    for _ in range(50):
        shapes = [shape(f"{colour} star", rng.uniform(20, 180), rng.uniform(20, 180)) for colour in ("red", "blue")]
        for question in drawn(Deck(POSITIONS).draw, view(scene(*shapes)), count=30):
            check_relation(question, {one.name: middle(one) for one in shapes})


def check_relation(question: Question, middles: dict[str, tuple[float, float]]) -> None:
    if question.wording not in {"scene.whether", "scene.relative"}:
        return
    one, other = middles[question.fills["name"]], middles[question.fills["other"]]
    told = next(relation for relation in RELATIONS if f" {relation.name} " in said(question))
    assert (one[told.axis] - other[told.axis]) * told.sign > 0
    if question.wording == "scene.whether":
        name = {short: long for long, short in SHORTER.items()}.get(
            question.fills["relation"], question.fills["relation"]
        )
        assert said(question).startswith("Yes" if name == told.name else "No")
