import re

from tests.training.talk.drawn import BAR_CHART, COVER, RECEIPT, scene, shape, view
from tests.training.talk.saying import drawn, said
from training.dialogue import Task
from training.talk.phrasings import load_wordings
from training.talk.refusals import draw_refusal
from training.world.forms import FORMS

SCENE = view(scene(shape("red star", 50, 50), shape("blue cross", 150, 50)))


def test_a_refusal_is_said_in_one_way() -> None:
    for picture in (SCENE, view(COVER), view(BAR_CHART), view(RECEIPT)):
        for question in drawn(draw_refusal, picture, count=50):
            assert question.task is Task.REFUSAL
            assert said(question) == "I can't see that in the picture."


def test_only_shapes_and_colours_that_are_not_there_are_refused() -> None:
    asked = [question for question in drawn(draw_refusal, SCENE) if question.wording.startswith("scene.")]

    assert {question.fills["name"] for question in asked} == set(FORMS) - {"star", "cross"}
    assert not {question.fills["colour"] for question in asked} & {"red", "blue", "white"}, "the ground is white"


def test_what_a_picture_tells_is_never_refused() -> None:
    assert not [question for question in drawn(draw_refusal, view(COVER)) if question.wording.startswith("cover.")]
    assert not [question for question in drawn(draw_refusal, view(BAR_CHART)) if question.wording.startswith("chart.")]


def test_which_is_the_largest_is_refused_only_where_bars_are_named() -> None:
    for picture in (SCENE, view(COVER), view(RECEIPT)):
        assert "refusal.bar" in {question.wording for question in drawn(draw_refusal, picture)}
    wordings = load_wordings()["refusal.bar"]
    assert all(re.search(r"\bbars?\b", template) for template in wordings.seen + wordings.held_out)


def test_prices_are_refused_of_what_is_not_on_the_receipt() -> None:
    names = {question.fills["name"] for question in drawn(draw_refusal, view(RECEIPT)) if "price" in question.wording}

    assert "coffee" in names
    assert not names & {"milk", "bread"}


def test_every_refused_question_can_be_filled_in() -> None:
    for question in drawn(draw_refusal, view(BAR_CHART), count=80):
        for template in load_wordings()[question.wording].seen:
            assert template.format_map(question.fills)
