import random

from tests.training.talk.drawn import BAR_CHART, COVER, EMBLEM, scene, shape, text, view
from tests.training.talk.saying import pointed, said
from training.drawing import Cover
from training.talk.question import Question, View
from training.talk.several import ask_all, draw_several

STAR = shape("red star", 50, 50)
CHART_AND_COVER = (view(BAR_CHART, 0), view(COVER, 1))
SCENES = (view(scene(STAR, EMBLEM), 0), view(scene(shape("blue star", 40, 40)), 1))
OTHER = Cover(title=text("Fog"), author=text("Ann Lee", 50), colour="red")


def asked(views: tuple[View, ...], kind: str) -> list[Question]:
    drawn = (draw_several(random.Random(seed), views) for seed in range(400))
    return [question for question in drawn if question and question.wording == kind]


def test_what_pictures_show_is_told_in_the_words_of_the_examples() -> None:
    question = ask_all(CHART_AND_COVER)

    assert said(question) == "The first picture is a bar chart and the second picture is a book cover."
    assert [piece.cite.picture for piece in question.answer if piece.cite] == [0, 1]


def test_three_pictures_are_told_in_order() -> None:
    assert said(ask_all((*CHART_AND_COVER, view(scene(STAR), 2)))) == (
        "The first picture is a bar chart, the second picture is a book cover and the third picture is a picture "
        "with shapes."
    )


def test_the_picture_of_a_sort_is_told_or_that_there_is_none() -> None:
    answers = {said(question) for question in asked(CHART_AND_COVER, "several.which_sort")}

    assert answers >= {"The first picture is a bar chart.", "The second picture is a book cover."}
    assert any(answer.startswith("None of the pictures is a") for answer in answers)


def test_nobody_asks_which_of_two_covers_is_the_cover() -> None:
    both = (view(COVER, 0), view(OTHER, 1))

    assert not any("is a book" in said(one) for one in asked(both, "several.which_sort") if "None" not in said(one))


def test_which_picture_has_a_shape_is_asked_where_one_has_it() -> None:
    answers = {said(question): pointed(question) for question in asked(SCENES, "several.which_has")}

    assert answers.keys() == {
        "The first picture has a red star.",
        "The first picture has an orange star.",
        "The second picture has a blue star.",
    }
    assert answers["The first picture has a red star."]["a red star"] == (STAR.box,)


def test_nobody_asks_which_has_a_circle_where_a_pie_looks_like_one() -> None:
    circle = view(scene(shape("red circle", 40, 40)), 1)

    assert asked((view(COVER, 0), circle), "several.which_has")
    assert asked((view(BAR_CHART, 0), circle), "several.which_has") == []


def test_more_shapes_are_in_the_picture_with_more_shapes() -> None:
    assert {said(question) for question in asked(SCENES, "several.more")} == {"The first picture has more shapes."}
    assert asked((SCENES[1], view(scene(STAR), 0)), "several.more") == []


def test_titles_and_authors_of_two_books_are_told() -> None:
    both = (view(COVER, 0), view(OTHER, 1))

    assert {said(question) for question in asked(both, "several.titles")} == {
        'The first title is "Night River" and the second title is "Fog".'
    }
    assert {said(question) for question in asked(both, "several.authors")} == {
        "The first author is Clara Stone and the second author is Ann Lee."
    }
    assert asked(CHART_AND_COVER, "several.titles") == []
