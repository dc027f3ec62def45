"""What a person types for a picture, as a reference that can be fetched again: a file, an address, standard input.

The origin of a file is its `file:` address with the time of its last change as the fragment, so that a picture that
was drawn over is another picture. Standard input and pipes are kept in a spool folder: they cannot be read twice.
"""

import asyncio
import hashlib
import os
import sys
import tempfile
import time
from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote_to_bytes, urlsplit

from bot.errors import NoSuchFile, Unfetchable
from jobs import PictureRef

PLATFORM = "shell"
STANDARD_INPUT = frozenset(["-", "/dev/stdin"])

_PIECE_BYTES = 1024**2
_MOST_SPOOLED_BYTES = 64 * 1024**2  # far beyond what is taken in: enough to say that it is too large


def read_reference(argument: str, *, spool: Path, stdin: BinaryIO | None = None) -> PictureRef:
    """The reference for what was typed: a path, an http(s) address, or `-`.

    Raises:
        NoSuchFile: the path leads to no file.
        Unfetchable: standard input or a pipe gives nothing.
    """
    if argument in STANDARD_INPUT:
        return _refer_to(spool_input(stdin or _standard_input(), spool), name="stdin")
    if urlsplit(argument).scheme in {"http", "https"}:
        address = legible(argument)
        return PictureRef(platform=PLATFORM, origin=address, name=Path(urlsplit(address).path).name)
    path = Path(argument).expanduser().absolute()
    if path.is_fifo():  # also what a shell makes of <(...)
        try:
            pipe = path.open("rb")
        except OSError as error:
            raise Unfetchable(reason=error.strerror) from error
        with pipe:
            return _refer_to(spool_input(pipe, spool), name=legible(argument))
    if not path.is_file():
        raise NoSuchFile(path=argument)
    return _refer_to(path, name=legible(path.name))


def legible(typed: str) -> str:
    """What was typed, as text that can be stored and told: a mark stands where bytes are none."""
    return typed.encode(errors="surrogateescape").decode(errors="replace")


def spool_input(stdin: BinaryIO, spool: Path) -> Path:
    """Keep what comes in under its digest.

    Raises:
        Unfetchable: nothing can be read there.
    """
    spool.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        content = stdin.read(_MOST_SPOOLED_BYTES)
    except OSError as error:
        raise Unfetchable(reason=error.strerror) from error
    path = spool / hashlib.sha256(content).hexdigest()
    if not path.exists():
        with tempfile.NamedTemporaryFile(dir=spool) as written:
            written.write(content)
            written.flush()
            with suppress(FileExistsError):  # of two at once one keeps it
                path.hardlink_to(written.name)  # it is there as a whole or not at all
    return path


def sweep_spool(spool: Path, *, retention_s: float) -> None:
    """Remove what came in longer ago than that."""
    for old in spool.glob("*"):
        with suppress(FileNotFoundError):  # another command keeps or removes something, too
            if time.time() - old.stat().st_mtime > retention_s:
                old.unlink()


async def fetch_reference(ref: PictureRef) -> AsyncGenerator[bytes, None]:
    """The bytes, in pieces.

    Raises:
        Unfetchable: the file or the address gives nothing.
    """
    if not ref.origin.startswith("file:"):
        from bot.download import Hosts, download  # noqa: PLC0415  aiohttp takes 0.2 s; most questions need none

        async for piece in download(ref.origin, Hosts(None)):
            yield piece
        return
    path = Path(os.fsdecode(unquote_to_bytes(urlsplit(ref.origin).path)))
    try:
        with await asyncio.to_thread(path.open, "rb") as file:
            while piece := await asyncio.to_thread(file.read, _PIECE_BYTES):
                yield piece
    except OSError as error:
        raise Unfetchable(reason=f"{legible(str(path))}: {error.strerror}") from error


def _standard_input() -> BinaryIO:
    if sys.stdin is None:  # the calling shell has closed it
        raise Unfetchable(reason="standard input is closed")
    return sys.stdin.buffer


def _refer_to(path: Path, *, name: str) -> PictureRef:
    stat = path.stat()
    origin = f"{path.as_uri()}#{stat.st_mtime_ns}"
    return PictureRef(platform=PLATFORM, origin=origin, name=name, size_bytes=stat.st_size)
