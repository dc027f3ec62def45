"""Questions about bar, line and pie charts: largest and smallest, labels, number, title."""

import functools
import random

import msgspec

from training.dialogue import Task
from training.drawing import Chart
from training.talk.question import (
    ORDINALS,
    Deck,
    Question,
    View,
    always,
    count_words,
    enumerate_pieces,
    say,
    there_are,
)
from training.world.chance import chance

CLEARLY = 0.08  # of the axis: how much two marks differ that are compared
LAST = -1


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """How people speak of a chart's marks."""

    mark: str
    largest: str
    smallest: str
    more: str
    less: str
    highest: str = "highest"
    lowest: str = "lowest"

    @property
    def marks(self) -> str:
        """More than one."""
        return f"{self.mark}s"


STANDING = Terms(mark="bar", largest="tallest", smallest="shortest", more="taller", less="shorter")
# The highest of lying bars could be the topmost.
LYING = Terms(
    mark="bar",
    largest="longest",
    smallest="shortest",
    more="longer",
    less="shorter",
    highest="longest",
    lowest="shortest",
)
POINTS = Terms(mark="point", largest="highest", smallest="lowest", more="higher", less="lower")
SLICES = Terms(mark="slice", largest="largest", smallest="smallest", more="larger", less="smaller")


def terms_of(chart: Chart) -> Terms:
    """By what it is."""
    match chart.what:
        case "line":
            return POINTS
        case "pie":
            return SLICES
        case _:
            return LYING if chart.lying else STANDING


def ask_extreme(view: View, *, largest: bool) -> Question | None:
    """The label of the largest or the smallest mark."""
    if not isinstance(chart := view.drawing.facts, Chart):
        return None
    terms = terms_of(chart)
    place = chart.values.index(max(chart.values)) if largest else chart.values.index(min(chart.values))
    which = "largest" if largest else "smallest"
    said = terms.largest if largest else terms.smallest
    return Question(
        task=Task.BARS,
        wording=f"chart.{which}_{terms.mark}",
        fills={
            "largest": terms.largest,
            "smallest": terms.smallest,
            "highest": terms.highest,
            "lowest": terms.lowest,
        },
        answer=say(
            "The ",
            view.point(f"{said} {terms.mark}", chart.ends[place]),
            " is ",
            view.spell(chart.labels[place]),
            ".",
        ),
        tells=frozenset({which}),
        thread="extreme",
        short_wording=f"short.{which}",
        elsewhere=functools.partial(ask_extreme, largest=largest),
    )


def ask_count(view: View) -> Question | None:
    """How many marks there are."""
    if not isinstance(chart := view.drawing.facts, Chart):
        return None
    terms = terms_of(chart)
    before, number, after = there_are(len(chart.marks), terms.mark)
    return Question(
        task=Task.COUNT,
        wording="chart.count",
        fills={"marks": terms.marks},
        answer=say(before, view.point(number, *chart.marks), after),
        tells=frozenset({"how many"}),
        elsewhere=ask_count,
    )


def ask_title(view: View) -> Question | None:
    """The title, or that there is none."""
    if not isinstance(chart := view.drawing.facts, Chart):
        return None
    task, answer = Task.PRESENCE, say("The chart has no title.")
    if chart.title:
        task, answer = Task.TITLE, say('The title of the chart is "', view.spell(chart.title), '".')
    return Question(task=task, wording="chart.title", answer=answer, tells=frozenset({"title"}), elsewhere=ask_title)


def ask_labels(view: View) -> Question | None:
    """All of them in order; of a pie nobody knows which is the first."""
    chart = view.drawing.facts
    if not isinstance(chart, Chart) or chart.what == "pie":
        return None
    return Question(
        task=Task.LABELS,
        wording="chart.labels",
        fills={"marks": terms_of(chart).marks},
        answer=say("The labels are ", enumerate_pieces([view.spell(label) for label in chart.labels]), "."),
        tells=frozenset({"labels", "how many"}),
        elsewhere=ask_labels,
    )


def ask_label(view: View, *, place: int) -> Question | None:
    """Of one bar or point, from the left or the top; `LAST` for the last."""
    chart = view.drawing.facts
    if not isinstance(chart, Chart) or chart.what == "pie" or place >= len(chart.labels):
        return None
    mark = terms_of(chart).mark
    ordinal = "last" if place == LAST else ORDINALS[place]
    return Question(
        task=Task.LABELS,
        wording="chart.label",
        fills={"ordinal": ordinal, "mark": mark, "name": f"{ordinal} {mark}"},
        answer=say(f"The {ordinal} {mark} is ", view.spell(chart.labels[place]), "."),
        tells=frozenset({f"label {place % len(chart.labels)}"}),
        thread="label",
        short_wording="short.and",
        elsewhere=functools.partial(ask_label, place=place),
    )


def ask_description(view: View) -> Question | None:
    """What the chart shows."""
    if not isinstance(chart := view.drawing.facts, Chart):
        return None
    terms = terms_of(chart)
    place = chart.values.index(max(chart.values))
    titled = say(' titled "', view.spell(chart.title), '"') if chart.title else ()
    count = count_words(len(chart.marks), terms.mark)
    return Question(
        task=Task.DESCRIBE,
        wording="chart.describe",
        answer=say(
            view.point(f"A {chart.what} chart"),
            titled,
            " with ",
            view.point(count, *chart.marks),
            ". The ",
            view.point(terms.largest, chart.ends[place]),
            " is ",
            view.spell(chart.labels[place]),
            ".",
        ),
        tells=frozenset({"title", "how many", "largest", "sort"}),
        thread="extreme",
    )


def ask_text(view: View) -> Question | None:
    """All words: the title, then the labels."""
    chart = view.drawing.facts
    if not isinstance(chart, Chart) or chart.what == "pie":
        return None
    return Question(
        task=Task.TEXT,
        wording="chart.text",
        answer=say(enumerate_pieces([view.spell(text) for text in view.drawing.texts], last=", ")),
        tells=frozenset({"title", "labels", "how many"}),
    )


def _draw_label(rng: random.Random, view: View) -> Question | None:
    chart = view.drawing.facts
    return ask_label(view, place=rng.randrange(LAST, len(chart.labels))) if isinstance(chart, Chart) else None


def _draw_which(rng: random.Random, view: View) -> Question | None:
    """The larger or the smaller one of two."""
    if not (drawn := _draw_two(rng, view)):
        return None
    chart, one, other = drawn
    terms = terms_of(chart)
    more = chance(rng, 0.7)
    first, second = (one, other) if (chart.values[one] > chart.values[other]) == more else (other, one)
    word = terms.more if more else terms.less
    return Question(
        task=Task.COMPARISON,
        wording="chart.which",
        fills={
            "mark": terms.mark,
            "more": word,
            "one": chart.labels[one].text,
            "other": chart.labels[other].text,
        },
        answer=say(
            view.spell(chart.labels[first]),
            " is ",
            view.point(word, chart.ends[first], chart.ends[second]),
            " than ",
            view.spell(chart.labels[second]),
            ".",
        ),
        tells=frozenset({f"{one} and {other}"}),
    )


def _draw_whether(rng: random.Random, view: View) -> Question | None:
    """Whether one is larger than another."""
    if not (drawn := _draw_two(rng, view)):
        return None
    chart, one, other = drawn
    terms = terms_of(chart)
    asked, opposite = rng.choice(((terms.more, terms.less), (terms.less, terms.more)))
    is_so = (chart.values[one] > chart.values[other]) == (asked == terms.more)
    ends = chart.ends[one], chart.ends[other]
    return Question(
        task=Task.COMPARISON,
        wording="chart.whether",
        fills={
            "mark": terms.mark,
            "more": asked,
            "one": chart.labels[one].text,
            "other": chart.labels[other].text,
        },
        answer=say(
            view.point("Yes" if is_so else "No", *ends),
            ", ",
            view.spell(chart.labels[one]),
            " is ",
            view.point(asked if is_so else opposite, *ends),
            " than ",
            view.spell(chart.labels[other]),
            ".",
        ),
        tells=frozenset({f"{one} and {other}"}),
    )


def _draw_two(rng: random.Random, view: View) -> tuple[Chart, int, int] | None:
    """Two marks that clearly differ."""
    if not isinstance(chart := view.drawing.facts, Chart):
        return None
    one, other = rng.sample(range(len(chart.values)), 2)
    return (chart, one, other) if abs(chart.values[one] - chart.values[other]) >= CLEARLY else None


CHARTS = Deck(
    {
        always(functools.partial(ask_extreme, largest=True)): 6,
        always(functools.partial(ask_extreme, largest=False)): 6,
        always(ask_count): 3,
        always(ask_title): 3,
        always(ask_labels): 1.5,
        _draw_label: 2,
        always(ask_description): 3,
        _draw_which: 2,
        _draw_whether: 2,
        always(ask_text): 0.5,
    }
)
