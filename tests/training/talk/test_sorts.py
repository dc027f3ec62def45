from tests.training.talk.drawn import BAR_CHART, COVER, RECEIPT, SIGN, TABLE, scene, shape, view
from tests.training.talk.saying import drawn, said
from training.drawing import Facts
from training.talk.sorts import SORT, SORTS, ask_sort

EXAMPLES: dict[str, Facts] = {
    "a book cover": COVER,
    "a bar chart": BAR_CHART,
    "a picture with shapes": scene(shape("red star", 50, 50)),
    "a sign with text": SIGN,
    "a receipt": RECEIPT,
    "a table": TABLE,
}


def test_pictures_are_called_what_they_are() -> None:
    for sort, facts in EXAMPLES.items():
        assert sort in SORTS
        assert said(ask_sort(view(facts))) == f"This is {sort}."


def test_whether_it_is_something_is_answered_truly() -> None:
    asked = [question for question in drawn(SORT.draw, view(COVER)) if question.wording == "sort.whether"]

    assert {said(question) for question in asked} == {"Yes, this is a book cover.", "No, this is a book cover."}
    for question in asked:
        assert said(question).startswith("Yes") == (question.fills["sort"] == "a book cover")
