import msgspec
import pytest

from tests.training.talk.drawn import BAR_CHART, view
from tests.training.talk.saying import check_places, drawn, pointed, said
from training.dialogue import Task
from training.talk.charts import (
    CHARTS,
    LAST,
    ask_count,
    ask_description,
    ask_extreme,
    ask_label,
    ask_labels,
    ask_text,
    ask_title,
)
from training.talk.question import View

VIEW = view(BAR_CHART)
LYING = view(msgspec.structs.replace(BAR_CHART, lying=True))
LINE = view(msgspec.structs.replace(BAR_CHART, what="line"))
PIE = view(msgspec.structs.replace(BAR_CHART, what="pie", title=None))


def test_a_chart_is_answered_about_in_the_words_of_the_examples() -> None:
    assert said(ask_description(VIEW)) == 'A bar chart titled "Rain" with three bars. The tallest is Cd.'
    assert said(ask_extreme(VIEW, largest=False)) == "The shortest bar is Ab."
    assert said(ask_extreme(VIEW, largest=True)) == "The tallest bar is Cd."
    assert said(ask_count(VIEW)) == "There are three bars."
    assert said(ask_title(VIEW)) == 'The title of the chart is "Rain".'
    assert said(ask_labels(VIEW)) == "The labels are Ab, Cd and Ef."
    assert said(ask_text(VIEW)) == "Rain, Ab, Cd, Ef"


def test_other_charts_have_other_words() -> None:
    assert said(ask_extreme(LYING, largest=True)) == "The longest bar is Cd."
    assert said(ask_extreme(LINE, largest=False)) == "The lowest point is Ab."
    assert said(ask_description(PIE)) == "A pie chart with three slices. The largest is Cd."


def test_the_highest_of_lying_bars_would_be_the_topmost() -> None:
    for chart, largest, highest in ((VIEW, True, "highest"), (LYING, True, "longest"), (LYING, False, "shortest")):
        question = ask_extreme(chart, largest=largest)
        assert question
        assert question.fills["highest" if largest else "lowest"] == highest


def test_that_there_is_no_title_reads_nothing() -> None:
    assert said(ask_title(PIE)) == "The chart has no title."
    assert [ask_title(chart).task for chart in (VIEW, PIE)] == [Task.TITLE, Task.PRESENCE]


def test_the_largest_bar_and_its_label_are_pointed_to() -> None:
    assert pointed(ask_extreme(VIEW, largest=True)) == {
        "tallest bar": (BAR_CHART.ends[1],),
        "Cd": BAR_CHART.labels[1].glyphs,
    }


def test_bars_are_counted_from_both_ends_but_slices_are_not() -> None:
    assert said(ask_label(VIEW, place=1)) == "The second bar is Cd."
    assert said(ask_label(VIEW, place=LAST)) == "The last bar is Ef."
    assert ask_label(VIEW, place=3) is None
    assert ask_label(PIE, place=0) is None
    assert ask_labels(PIE) is None


def test_two_bars_are_compared_truly() -> None:
    heights = {label.text: value for label, value in zip(BAR_CHART.labels, BAR_CHART.values, strict=True)}
    compared = [
        question for question in drawn(CHARTS.draw, VIEW) if question.wording in {"chart.which", "chart.whether"}
    ]

    for question in compared:
        assert question.task is Task.COMPARISON
        *_, first, _, word, _, second, _ = (piece.text for piece in question.answer)
        assert (heights[first] > heights[second]) == (word == "taller")
        if question.wording == "chart.whether":
            assert said(question).startswith("Yes" if word == question.fills["more"] else "No")
        else:
            assert word == question.fills["more"]
    assert {said(question).partition(",")[0] for question in compared} >= {"Yes", "No", "Cd is taller than Ab."}


def test_bars_of_almost_one_height_are_not_compared() -> None:
    alike = view(msgspec.structs.replace(BAR_CHART, values=(0.5, 0.55, 0.52)))

    assert not [
        question for question in drawn(CHARTS.draw, alike) if question.wording in {"chart.which", "chart.whether"}
    ]


@pytest.mark.parametrize("chart", [VIEW, LYING, LINE, PIE])
def test_all_that_is_said_can_be_seen_where_it_points(chart: View) -> None:
    for question in drawn(CHARTS.draw, chart, count=80):
        check_places(question, (chart.drawing,))
