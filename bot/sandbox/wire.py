"""What passes between the bot and a decoder process: messages of msgpack behind their length, 8 bytes big-endian."""

from typing import BinaryIO

import msgspec

LENGTH_BYTES = 8


class DecodeTask(msgspec.Struct, frozen=True, kw_only=True):
    """A file to be opened. `name` is for the sentence when it is refused."""

    name: str
    content: bytes
    max_pixels: int
    max_pages: int = 1  # of a document, from the first on


class Normalised(msgspec.Struct, frozen=True, kw_only=True):
    """A picture in its stored form: upright RGB without metadata, PNG or JPEG."""

    stored: bytes
    width: int  # pixels
    height: int
    page: int = 0  # of a document, from 1; 0 where the file is the picture


class Opened(msgspec.Struct, frozen=True, kw_only=True, tag="opened"):
    """What was in a file: one picture, or the first pages of a document."""

    pictures: tuple[Normalised, ...]
    pages_left_out: int = 0
    frames_left_out: bool = False  # of an animation, or of a format whose files may hold several pictures


class Rejected(msgspec.Struct, frozen=True, kw_only=True, tag="rejected"):
    """No picture: the name of a `PictureRefused` leaf and its facts."""

    leaf: str
    facts: dict[str, int | float | str]


def pack(message: DecodeTask | Opened | Rejected) -> bytes:
    """The message behind its length."""
    body = msgspec.msgpack.encode(message)
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


def read_task(stream: BinaryIO) -> DecodeTask | None:
    """The next task, or None at the end of the stream."""
    length = stream.read(LENGTH_BYTES)
    if len(length) < LENGTH_BYTES:
        return None
    return msgspec.msgpack.decode(stream.read(int.from_bytes(length, "big")), type=DecodeTask)


def read_answer(body: bytes) -> Opened | Rejected:
    """What a decoder answered. Typed, because a decoder that a hostile file has taken over may answer anything.

    Raises:
        msgspec.DecodeError: neither of the two.
    """
    return msgspec.msgpack.decode(body, type=Opened | Rejected)
