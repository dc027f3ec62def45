import random

import pytest

from tests.training.talk.drawn import COVER, scene, shape, view
from tests.training.talk.saying import drawn, pointed, said
from training.drawing import Shape
from training.talk.scenes import (
    SCENES,
    ask_about_it,
    ask_background,
    ask_colour,
    ask_count,
    ask_description,
    ask_list,
    ask_presence,
    ask_shape,
    find,
)

RED, BLUE, ORANGE = shape("red square", 40, 50), shape("blue square", 150, 60), shape("orange star", 100, 150)
VIEW = view(scene(RED, BLUE, ORANGE))


def test_the_colour_of_a_form_that_is_there_once_is_told_with_its_place() -> None:
    question = ask_colour(VIEW, form="star")

    assert said(question) == "The star is orange."
    assert pointed(question) == {"star": (ORANGE.box,), "orange": (ORANGE.box,)}


def test_nobody_asks_for_the_colour_of_the_square_where_there_are_two() -> None:
    assert ask_colour(VIEW, form="square") is None


def test_the_left_and_the_right_one_of_two_are_told_apart() -> None:
    answers = {said(question) for question in drawn(SCENES.draw, VIEW) if question.wording == "scene.colour"}

    assert answers == {"The star is orange.", "The left square is red.", "The right square is blue."}


def test_the_form_of_a_colour_is_told_where_one_shape_has_it() -> None:
    two_red = view(scene(RED, shape("red star", 150, 60)))

    assert said(ask_shape(VIEW, colour="orange")) == "The orange shape is a star."
    assert ask_shape(two_red, colour="red") is None


@pytest.mark.parametrize(
    ("form", "colour", "answer"),
    [
        (None, None, "There are three shapes."),
        ("square", None, "There are two squares."),
        ("star", None, "There is one star."),
        ("cross", None, "There are no crosses."),
        (None, "red", "There is one red shape."),
        (None, "pink", "There are no pink shapes."),
    ],
)
def test_shapes_are_counted(form: str | None, colour: str | None, answer: str) -> None:
    assert said(ask_count(VIEW, form=form, colour=colour)) == answer


def test_a_number_points_to_all_that_is_counted() -> None:
    assert pointed(ask_count(VIEW, form="square")) == {"two": (RED.box, BLUE.box)}
    assert pointed(ask_count(VIEW, form="cross")) == {}


@pytest.mark.parametrize(
    ("form", "colour", "answer"),
    [
        ("square", "red", "Yes, there is a red square."),
        ("star", "red", "No, there is no red star."),
        ("star", None, "Yes, there is an orange star."),
        ("square", None, "Yes, there are two squares."),
        (None, "green", "No, there is no green shape."),
    ],
)
def test_it_is_told_whether_something_is_there(form: str | None, colour: str | None, answer: str) -> None:
    assert said(ask_presence(VIEW, form=form, colour=colour)) == answer


def test_the_background_is_the_whole_picture() -> None:
    question = ask_background(view(scene(RED, background="pink")))

    assert said(question) == "The background is pink."
    assert pointed(question) == {"pink": ((0, 0, 200, 200),)}


def test_shapes_are_listed_from_left_to_right() -> None:
    assert said(ask_list(VIEW)) == "There are a red square, an orange star and a blue square."
    assert said(ask_description(VIEW)) == "Three shapes: a red square, an orange star and a blue square."
    assert said(ask_description(view(scene(RED)))) == "One shape: a red square."


def test_shapes_that_stand_above_each_other_are_not_listed() -> None:
    assert ask_list(view(scene(RED, shape("blue star", 42, 150)))) is None


def test_it_is_called_by_its_form_only_where_that_is_enough() -> None:
    assert [said(question) for question in ask_about_it(VIEW, ORANGE)] == [
        "The star is orange.",
        "The star is at the bottom.",
    ]
    assert ask_about_it(VIEW, RED) == []


def test_whatever_shape_is_named_is_the_only_one_of_that_name() -> None:
    rng = random.Random(1)
    forms, colours = ("square", "star", "cross"), ("red", "blue")
    for _ in range(60):
        kinds = rng.sample([f"{colour} {form}" for colour in colours for form in forms], 4)
        shapes = [shape(kind, rng.uniform(20, 180), rng.uniform(20, 180)) for kind in kinds]
        for question in drawn(SCENES.draw, view(scene(*shapes)), count=40):
            for name in ("name", "other"):
                check_named(question.fills.get(name, ""), question.task, shapes)


def check_named(name: str, task: str, shapes: list[Shape]) -> None:
    words = name.split()
    if not words or words[0] in {"left", "right"} or task == "refusal":
        return
    form, colour = words[-1], words[0] if len(words) > 1 else None
    assert len(find(shapes, form=form, colour=colour)) == 1


def test_a_cover_has_no_background() -> None:
    assert ask_background(view(COVER)) is None
