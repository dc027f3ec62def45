"""A question with its true answer, before it is put into words."""

import random
from collections.abc import Callable, Iterable, Sequence

import msgspec

from training.dialogue import Cite, Piece, Task
from training.drawing import Box, Drawing, Shape, Text

NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")


class View(msgspec.Struct, frozen=True, kw_only=True):
    """A picture in its place (from 0) in the dialogue."""

    place: int
    drawing: Drawing

    @property
    def frame(self) -> Box:
        """All of the picture."""
        return (0, 0, self.drawing.image.width, self.drawing.image.height)

    def point(self, words: str, *boxes: Box) -> Piece:
        """Words that speak of what is there; without boxes, of the whole picture."""
        return Piece(words, Cite(picture=self.place, boxes=boxes or (self.frame,)))

    def point_at(self, words: str, shapes: Iterable[Shape]) -> Piece:
        """Words that speak of shapes, if there are any."""
        boxes = tuple(shape.box for shape in shapes)
        return self.point(words, *boxes) if boxes else Piece(words)

    def spell(self, text: Text) -> Piece:
        """Words that are read there."""
        return Piece(text.text, Cite(picture=self.place, boxes=text.glyphs), spelled=True)


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked, and the truth.

    `wording` and the others ending so name wordings in `phrasings.toml`; `fills` go into their braces. `tells` are the
    facts that question and answer give away.
    """

    task: Task
    wording: str
    answer: tuple[Piece, ...]
    fills: dict[str, str] = {}
    tells: frozenset[str] = frozenset()
    thread: str = ""  # after a question of the same thread it can be asked in short
    short_wording: str = ""
    referent: Shape | None = None  # after this question "it" is that
    it_wording: str = ""  # for "it", when that is the referent
    elsewhere: Callable[[View], "Question | None"] | None = None  # the same, of another picture


Drawer = Callable[[random.Random, View], Question | None]  # None: the picture gives no such question


class Deck(msgspec.Struct, frozen=True):
    """Questions of one subject, drawn by their weights."""

    weights: dict[Drawer, float]

    def draw(self, rng: random.Random, view: View, *, tries: int = 8) -> Question | None:
        """One of them, if any of those tried can be asked."""
        drawers = rng.choices(tuple(self.weights), tuple(self.weights.values()), k=tries)
        return next((question for drawer in drawers if (question := drawer(rng, view))), None)


def always(ask: Callable[[View], Question | None]) -> Drawer:
    """A question in which nothing is left to chance."""
    return lambda _rng, view: ask(view)


def say(*parts: str | Piece | Iterable[Piece]) -> tuple[Piece, ...]:
    """An answer of plain words and pieces."""
    pieces: list[Piece] = []
    for part in parts:
        match part:
            case str():
                pieces.append(Piece(part))
            case Piece():
                pieces.append(part)
            case _:
                pieces.extend(part)
    return tuple(pieces)


def enumerate_pieces(pieces: Sequence[Piece], between: str = ", ", last: str = " and ") -> list[Piece]:
    """A, B and C."""
    joined: list[Piece] = []
    for place, piece in enumerate(pieces):
        if place:
            joined.append(Piece(last if place == len(pieces) - 1 else between))
        joined.append(piece)
    return joined


def add_article(name: str) -> str:
    """As it is spoken of the first time.

    >>> add_article("orange square")
    'an orange square'
    """
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def pluralise(name: str) -> str:
    """More than one.

    >>> pluralise("cross")
    'crosses'
    """
    return f"{name}es" if name.endswith("s") else f"{name}s"


def count_words(count: int, name: str) -> str:
    """The number in words, and the name in the form that it asks for.

    >>> count_words(2, "bar"), count_words(0, "blue shape")
    ('two bars', 'no blue shapes')
    """
    return f"{NUMBERS[count]} {name if count == 1 else pluralise(name)}"


def there_are(count: int, name: str) -> tuple[str, str, str]:
    """The parts of a sentence; the number stands in the middle.

    >>> there_are(1, "shape")
    ('There is ', 'one', ' shape.')
    """
    verb = "is" if count == 1 else "are"
    return f"There {verb} ", NUMBERS[count], f" {name if count == 1 else pluralise(name)}."
