"""Which characters of a text each of its tokens stands for."""

import re
from collections.abc import Iterator, Sequence

from inference_worker.model.tokenizer import Tokenizer

_BYTE = re.compile(r"<0x([0-9A-F]{2})>")


def spans_of(tokenizer: Tokenizer, ids: Sequence[int]) -> Iterator[tuple[int, int]]:
    """For each id of one stretch of text its characters, from and to.

    The tokeniser puts a "▁" in front, which belongs to no character. A character in bytes belongs to its first one.
    """
    start = -1
    for piece in map(tokenizer.piece, ids):
        byte = _BYTE.fullmatch(piece)
        stop = start + (not _continues(int(byte[1], 16)) if byte else len(piece))
        yield max(start, 0), max(stop, 0)
        start = stop


def _continues(byte: int) -> bool:
    """Whether a byte of UTF-8 goes on with a character that has begun."""
    return f"{byte:08b}".startswith("10")
