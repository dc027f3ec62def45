"""What questions say, and the rules that the places they point to keep."""

import random
from collections.abc import Iterator

from training.drawing import Box, Drawing
from training.talk.question import Drawer, Question, View

DRAWS = 300


def said(question: Question | None) -> str:
    assert question
    return "".join(piece.text for piece in question.answer)


def pointed(question: Question | None) -> dict[str, tuple[Box, ...]]:
    """The words that point somewhere, with the boxes."""
    assert question
    return {piece.text: piece.cite.boxes for piece in question.answer if piece.cite}


def drawn(draw: Drawer, view: View, count: int = DRAWS) -> Iterator[Question]:
    """All that come out of many draws."""
    for seed in range(count):
        if question := draw(random.Random(seed), view):
            yield question


def check_places(question: Question, drawings: tuple[Drawing, ...]) -> None:
    """Spelled words have a box for each character, those of a text of the picture; others lie within the picture."""
    for piece in question.answer:
        if piece.spelled:
            assert piece.cite
            text = next(text for text in drawings[piece.cite.picture].texts if text.glyphs == piece.cite.boxes)
            assert text.text == piece.text
        elif piece.cite:
            image = drawings[piece.cite.picture].image
            assert piece.cite.boxes
            assert all(
                left < right <= image.width and top < bottom <= image.height
                for left, top, right, bottom in piece.cite.boxes
            )
