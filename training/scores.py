"""How many questions are answered exactly right, in all and by what makes them hard.

Exact means the whole answer, character by character, but for blanks at its ends.
"""

import math
from collections.abc import Callable, Iterable, Sequence

import msgspec

from training.dialogue import Task
from training.records import DialogueRecord, TurnRecord


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """A question of a dialogue, and what the model answered."""

    dialogue: DialogueRecord
    place: int  # of the turn, from 0
    answer: str

    @property
    def turn(self) -> TurnRecord:
        """The question with the true answer."""
        return self.dialogue.turns[self.place]

    @property
    def right(self) -> bool:
        """Whether the answer is exactly the true one."""
        return self.answer.strip() == self.turn.answer.strip()

    @property
    def task(self) -> str:
        """What the question takes."""
        return self.dialogue.task(self.place)


class Tally(msgspec.Struct, kw_only=True):
    """Right answers among the questions asked."""

    right: int = 0
    asked: int = 0

    @property
    def exact(self) -> float:
        """The share of right answers, 0 to 1; of no question: 0."""
        return self.right / self.asked if self.asked else 0.0

    def add(self, *, right: bool) -> None:
        """Count one more."""
        self.right += right
        self.asked += 1


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of the model: `exact` of the questions `of` right."""

    name: str
    exact: float
    of: Callable[[Outcome], bool]


BARS = (
    Bar(
        name="colour, shape, count, position",
        exact=0.97,
        of=lambda one: one.task in {Task.COLOUR, Task.SHAPE, Task.COUNT, Task.POSITION},
    ),
    Bar(name="largest and smallest bar", exact=0.95, of=lambda one: one.task == Task.BARS),
    Bar(
        name="title and author, in words",
        exact=0.95,
        of=lambda one: one.task in {Task.TITLE, Task.AUTHOR} and not one.turn.random,
    ),
    Bar(name="random strings", exact=0.90, of=lambda one: one.turn.random),
    Bar(name="what is different", exact=0.95, of=lambda one: one.task == Task.DIFFERENCE),
    Bar(name="about an earlier picture", exact=0.95, of=lambda one: one.turn.refers_back),
)
UNSEEN_PHRASINGS = 0.90  # of the share of right answers to seen ones

# Bands by their upper ends. Letters: parts of the picture's longer side; contrast: WCAG's AA is 4.5, its AAA is 7.
LETTERS = {"1/12 to 1/10": 1 / 10, "1/10 to 1/8": 1 / 8, "1/8 and more": math.inf}
CONTRASTS = {"3 to 4.5": 4.5, "4.5 to 7": 7.0, "7 and more": math.inf}
BANDS = (*LETTERS, *CONTRASTS)


class Scores(msgspec.Struct, frozen=True, kw_only=True):
    """`bars` by name, `by` aspect and group. `unseen_phrasings` is relative to seen ones, None where none were asked."""

    dialogues: int
    all: Tally
    bars: dict[str, Tally]
    unseen_phrasings: float | None
    by: dict[str, dict[str, Tally]]


def compare(records: Iterable[DialogueRecord], answers: Iterable[Sequence[str]]) -> list[Outcome]:
    """Each question with its answer; `answers` has an answer for each turn of each record."""
    return [
        Outcome(dialogue=record, place=place, answer=answer)
        for record, given in zip(records, answers, strict=True)
        for place, (_, answer) in enumerate(zip(record.turns, given, strict=True))
    ]


def score(outcomes: Sequence[Outcome]) -> Scores:
    """Count them."""
    bars = {bar.name: tally(filter(bar.of, outcomes)) for bar in BARS}
    return Scores(
        dialogues=sum(one.place == 0 for one in outcomes),
        all=tally(outcomes),
        bars={name: counted for name, counted in bars.items() if counted.asked},
        unseen_phrasings=compare_phrasings(outcomes),
        by={aspect: _tally_by(groups, outcomes) for aspect, groups in ASPECTS.items()},
    )


def tally(outcomes: Iterable[Outcome]) -> Tally:
    """The right ones among these."""
    counted = Tally()
    for one in outcomes:
        counted.add(right=one.right)
    return counted


def compare_phrasings(outcomes: Sequence[Outcome]) -> float | None:
    """Right answers to unseen phrasings, relative to those that seen ones would get with the same mix of tasks.

    Only tasks asked in both ways count. None: there is none, or no seen one was answered rightly.
    """
    unseen = _tally_by(lambda one: [one.task] if one.turn.phrasing_held_out else [], outcomes)
    seen = _tally_by(lambda one: [] if one.turn.phrasing_held_out else [one.task], outcomes)
    both = unseen.keys() & seen.keys()
    expected = sum(unseen[task].asked * seen[task].exact for task in both)
    return sum(unseen[task].right for task in both) / expected if expected else None


def _tally_by(groups: Callable[[Outcome], Iterable[str]], outcomes: Iterable[Outcome]) -> dict[str, Tally]:
    counted: dict[str, Tally] = {}
    for one in outcomes:
        for group in groups(one):
            counted.setdefault(group, Tally()).add(right=one.right)
    return {group: counted[group] for group in sorted(counted, key=rank)}


def rank(group: str) -> tuple[int, str]:
    """Sorts groups: bands as they follow each other, all others by name."""
    return BANDS.index(group) if group in BANDS else -1, group


def _letters(one: Outcome) -> Iterable[str]:
    """Of the smallest letters that the answer is read from."""
    if one.turn.reads:
        yield _band(LETTERS, min(reading.size for reading in one.turn.reads))


def _contrast(one: Outcome) -> Iterable[str]:
    """Of the faintest letters."""
    if one.turn.reads:
        yield _band(CONTRASTS, min(reading.contrast for reading in one.turn.reads))


def _band(bands: dict[str, float], value: float) -> str:
    return next(name for name, end in bands.items() if value < end)


def _newness(one: Outcome) -> Iterable[str]:
    new = [name for name, held in _held_out(one.turn).items() if held]
    yield " and ".join(new) + " held out" if new else "all seen in training"


def _held_out(turn: TurnRecord) -> dict[str, bool]:
    return {"words or faces": turn.held_out, "phrasing": turn.phrasing_held_out}


def _pictures(one: Outcome) -> Iterable[str]:
    yield str(len({name for turn in range(one.place + 1) for name in one.dialogue.shown(turn)}))


ASPECTS: dict[str, Callable[[Outcome], Iterable[str]]] = {
    "task": lambda one: [one.task],
    "held out": _newness,
    "pictures so far": _pictures,
    "position in the dialogue": lambda one: [str(one.place + 1)],
    "about": lambda one: ["an earlier picture" if one.turn.refers_back else "the latest pictures"],
    "letters at random": lambda one: [("random" if one.turn.random else "words")] if one.turn.reads else [],
    "letter size": _letters,
    "contrast": _contrast,
    "face": lambda one: {reading.face for reading in one.turn.reads},
}
