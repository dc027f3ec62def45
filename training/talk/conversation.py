"""A dialogue as it grows: pictures come, questions are asked about them, and some only make sense after others."""

import random
import re
from collections.abc import Callable, Iterator, Sequence

from training.dialogue import Dialogue, Exchange, Piece, Task
from training.drawing import Chart, Cover, Drawing, Text
from training.talk.naming import draw_name, name_picture
from training.talk.phrasings import Phrase, draw_phrase, type_it
from training.talk.question import Question, View
from training.talk.quotes import find_quotes
from training.talk.refusals import ANYWHERE
from training.talk.scenes import ask_about_it
from training.talk.several import draw_several
from training.talk.sorts import ask_sort
from training.talk.subjects import draw_question
from training.world.chance import chance
from training.world.split import Split

LONGEST = 8  # exchanges
AGAIN = 0.1  # how often something is asked that has been told before
TRIES = 8
ALL = -1  # stands for the pictures together
# Words by which one sees which picture is meant, if there is only one of its sort.
TELLING = {
    Cover: re.compile(r"\b(book|cover|author|writer|wrote)\b", re.IGNORECASE),
    Chart: re.compile(r"\b(chart|bars?|slices?)\b", re.IGNORECASE),
}


class Conversation:
    """About drawings that are shown one after another, or several at a time."""

    def __init__(self, rng: random.Random, split: Split, drawings: Sequence[Drawing], *, chatter: float = 1.0) -> None:
        self._rng = rng
        self._chatter = chatter
        self._split = split
        self._all = tuple(View(place=place, drawing=drawing) for place, drawing in enumerate(drawings))
        self._shown = 0
        self._newest: tuple[View, ...] = ()  # what came last
        self._waiting: tuple[View, ...] = ()  # for the question that they come with
        self._exchanges: list[Exchange] = []
        self._last: tuple[Question, View | None] | None = None
        self._told: set[tuple[int, str]] = set()

    @property
    def views(self) -> tuple[View, ...]:
        """All pictures that have been shown."""
        return self._all[: self._shown]

    @property
    def full(self) -> bool:
        """Whether it has become as long as dialogues are."""
        return len(self._exchanges) >= LONGEST * self._chatter

    def end(self) -> Dialogue:
        """The dialogue."""
        return Dialogue(pictures=tuple(view.drawing for view in self._all), exchanges=tuple(self._exchanges))

    def show(self, count: int) -> tuple[View, ...]:
        """The next pictures come with the next question."""
        self._newest = self._waiting = self._all[self._shown : self._shown + count]
        self._shown += count
        return self._newest

    def talk(self, count: int, *, follow_ups: float = 0.35, together: float = 0.2) -> None:
        """So many more questions, a share of them follow-ups, a share of them about several pictures at once."""
        for _ in range(round(count * self._chatter)):
            if self.full:
                break
            if chance(self._rng, follow_ups) and self._follow_up():
                continue
            if self._shown > 1 and chance(self._rng, together):
                question = self._draw_new(lambda: draw_several(self._rng, self.views), ALL)
                if question:
                    self.ask(question)
                    continue
            self.ask_about(self._choose())

    def ask_about(self, view: View) -> None:
        """One more question about a picture."""
        question = self._draw_new(lambda: draw_question(self._rng, view), view.place)
        if question or self._waiting:
            self.ask(question or ask_sort(view), view)

    def ask_elsewhere(self) -> bool:
        """The last question again, of the new picture, if it can be asked there."""
        return self._last is not None and self._ask_elsewhere(*self._last)

    def ask(self, question: Question, view: View | None = None) -> None:
        """A question about a picture, or about all of them. The picture is named where that is needed."""
        phrase = draw_phrase(self._rng, self._split, question.wording)
        named = view is not None and self._must_name(view, question, phrase)
        if view and named:
            name = draw_name(self._rng, view.place, self._shown)
            books_only = all(isinstance(other.drawing.facts, Cover) for other in self.views)
            phrase = name_picture(self._rng, self._split, phrase, name, books_only=books_only)
        self._add(question, view, phrase, question.fills)

    def _choose(self) -> View:
        """A picture to ask about: the newest somewhat more often."""
        return self._rng.choice((*self.views, *self._newest))

    def _draw_new(self, draw: Callable[[], Question | None], place: int) -> Question | None:
        """Mostly one that has not been answered by something said before."""
        for _ in range(TRIES):
            question = draw()
            if question and (not self._is_told(question, place) or chance(self._rng, AGAIN)):
                return question
        return None

    def _is_told(self, question: Question, place: int) -> bool:
        return all((place, fact) in self._told for fact in question.tells)

    def _must_name(self, view: View, question: Question, phrase: Phrase) -> bool:
        """Unless it is the only one, the only one that has just come, or the only one that can be meant."""
        if self._shown == 1 or question.wording == ANYWHERE:
            return False
        elsewhere = self._last is not None and not self._waiting and self._last[1] is not view
        if self._newest == (view,) and not elsewhere and not _is_refusal(question):
            return chance(self._rng, 0.25)
        telling = TELLING.get(type(view.drawing.facts))
        alone = sum(type(other.drawing.facts) is type(view.drawing.facts) for other in self.views) == 1
        if telling and alone and telling.search(phrase.template) and question.task not in (Task.REFUSAL, Task.KIND):
            return chance(self._rng, 0.5)
        return True

    def _follow_up(self) -> bool:
        """Ask something that only makes sense after the last question, if there is such."""
        if not self._last:
            return False
        asks = [self._ask_elsewhere, self._ask_in_short, self._ask_about_it]
        self._rng.shuffle(asks)
        return any(ask(*self._last) for ask in asks)

    def _ask_elsewhere(self, last: Question, before: View | None) -> bool:
        """The same of another picture: "And in the second one?"."""
        others = [view for view in self._waiting or self.views if _answers_alike(last, before, view)]
        if not last.elsewhere or not others:
            return False
        view = self._rng.choice(others)
        question = last.elsewhere(view)
        if not question or self._is_told(question, view.place):
            return False
        if self._waiting == (view,) and chance(self._rng, 0.7):
            wording, fills = "short.this", {}
        else:
            wording, fills = "short.elsewhere", {"picture": draw_name(self._rng, view.place, self._shown).picture}
        self._add(question, view, draw_phrase(self._rng, self._split, wording), fills)
        return True

    def _ask_in_short(self, last: Question, view: View | None) -> bool:
        """Another of the same thread: "And the circle?"."""
        if not last.thread or not view or self._waiting:
            return False
        for _ in range(TRIES):
            question = draw_question(self._rng, view)
            if (
                question
                and question.thread == last.thread
                and question.short_wording
                and not self._is_told(question, view.place)
            ):
                phrase = draw_phrase(self._rng, self._split, question.short_wording)
                self._add(question, view, phrase, question.fills)
                return True
        return False

    def _ask_about_it(self, last: Question, view: View | None) -> bool:
        """More about the shape that was spoken of: "What color is it?"."""
        if not last.referent or not view or self._waiting:
            return False
        questions = [
            question
            for question in ask_about_it(view, last.referent)
            if question.referent == last.referent and not self._is_told(question, view.place)
        ]
        if not questions:
            return False
        question = self._rng.choice(questions)
        self._add(question, view, draw_phrase(self._rng, self._split, question.it_wording), {})
        return True

    def _add(self, question: Question, view: View | None, phrase: Phrase, fills: dict[str, str]) -> None:
        read = list(self._read(question.answer))
        typed = type_it(self._rng, phrase.template, fills)
        self._exchanges.append(
            Exchange(
                task=question.task,
                question=typed,
                answer=question.answer,
                shows=tuple(shown.place for shown in self._waiting),
                quotes=find_quotes(typed, fills.values(), view) if view else (),
                refers_back=self._refers_back(view),
                phrasing_held_out=phrase.held_out,
                random=any(text.random for text in read),
                held_out=any(text.held_out for text in read),
            )
        )
        self._waiting = ()
        self._last = question, view
        self._told.update((view.place if view else ALL, fact) for fact in question.tells)

    def _refers_back(self, view: View | None) -> bool:
        """Whether it is about a picture that came before, one of several, and not simply the newest."""
        return self._shown > 1 and view is not None and view not in self._waiting and self._newest != (view,)

    def _read(self, answer: Sequence[Piece]) -> Iterator[Text]:
        """The lines that an answer spells."""
        for piece in answer:
            if piece.spelled and piece.cite:
                texts = self._all[piece.cite.picture].drawing.texts
                yield next(text for text in texts if text.glyphs == piece.cite.boxes)


def _answers_alike(question: Question, before: View | None, view: View) -> bool:
    """Whether it is another picture, and one of which the same can be asked as of that before."""
    if before is None or view.place == before.place:
        return False
    return question.task is Task.KIND or type(view.drawing.facts) is type(before.drawing.facts)


def _is_refusal(question: Question) -> bool:
    return question.task is Task.REFUSAL
