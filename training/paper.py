"""An examination paper: dialogues drawn by a number, so that anybody can set the same one again."""

import random
from collections.abc import Iterator
from enum import StrEnum

from training.dialogue import Dialogue
from training.talk import draw_dialogue
from training.world.split import Split


class Which(StrEnum):
    """Words, faces and phrasings that training sees, those that it never sees, or a half of each."""

    SEEN = "seen"
    HELD_OUT = "held-out"
    MIXED = "mixed"

    def of(self, number: int) -> Split:
        """What the dialogue of this number is drawn from."""
        match self:
            case Which.SEEN:
                return Split.SEEN
            case Which.HELD_OUT:
                return Split.HELD_OUT
            case Which.MIXED:
                return Split.HELD_OUT if number % 2 else Split.SEEN


def draw_paper(seed: int, count: int, which: Which) -> Iterator[Dialogue]:
    """The first `count` dialogues of this seed. Training draws under other names: it meets none of them."""
    for number in range(count):
        rng = random.Random(f"examination {seed}/{number}")  # noqa: S311 - drawing pictures, not secrets
        yield draw_dialogue(rng, which.of(number))
