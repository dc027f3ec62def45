"""Which words and faces training may see, and which are kept for the examination."""

import enum
import zlib

HELD_OUT_ONE_IN = 5


class Split(enum.StrEnum):
    """What a drawing is drawn from."""

    SEEN = "seen"
    HELD_OUT = "held_out"


def split_of(word: str) -> Split:
    """Where a word belongs, on every machine and in any case: its checksum says."""
    return Split.SEEN if zlib.crc32(word.lower().encode()) % HELD_OUT_ONE_IN else Split.HELD_OUT
