"""Questions and answers about drawn pictures, each piece of an answer with the place where it can be seen."""

import enum

import msgspec

from training.drawing import Box, Drawing


class Task(enum.StrEnum):
    """What a question takes; scores are told by task."""

    COLOUR = "colour"  # of a shape, a cover, a background
    SHAPE = "shape"  # which form has this colour; what is the emblem
    COUNT = "count"  # shapes, bars, slices
    POSITION = "position"  # left of, above; where is; what is on the left
    PRESENCE = "presence"  # is there a red circle? a title?
    BARS = "bars"  # largest, smallest: its label
    COMPARISON = "comparison"  # the taller of two that are named
    TITLE = "title"
    AUTHOR = "author"
    TEXT = "text"  # of signs, pages, receipts, tables: lines, cells, all of it
    LABELS = "labels"
    KIND = "kind"  # what sort of picture
    DESCRIBE = "describe"
    DIFFERENCE = "difference"  # what is different
    SAME = "same"  # the same or not
    REFUSAL = "refusal"  # nothing in the pictures answers it
    GREETING = "greeting"  # hello, what can you do, thanks


class Cite(msgspec.Struct, frozen=True, kw_only=True):
    """Where something can be seen: the picture's place in the dialogue (from 0), and boxes in its pixels."""

    picture: int
    boxes: tuple[Box, ...]


class Piece(msgspec.Struct, frozen=True):
    """Part of an answer. A word read from a picture has a box for each character; another may cite what it speaks of."""

    text: str
    cite: Cite | None = None
    spelled: bool = False  # `cite.boxes` are those of the characters of `text`


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """A name in a question that stands in a picture: its characters from `start` to `stop`, and their boxes there."""

    start: int
    stop: int
    cite: Cite


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """One question and its answer. `shows` are the pictures (places in the dialogue) that come with the question."""

    task: Task
    question: str
    answer: tuple[Piece, ...]
    shows: tuple[int, ...] = ()
    quotes: tuple[Quote, ...] = ()
    refers_back: bool = False  # to a picture of an earlier turn, when there are several
    phrasing_held_out: bool = False
    random: bool = False  # the answer reads letters drawn at random
    held_out: bool = False  # the answer reads words or faces that training never sees

    @property
    def text(self) -> str:
        """The answer."""
        return "".join(piece.text for piece in self.answer)


class Dialogue(msgspec.Struct, frozen=True, kw_only=True):
    """One to four pictures, numbered in order of appearance, and the talk about them."""

    pictures: tuple[Drawing, ...]
    exchanges: tuple[Exchange, ...]
