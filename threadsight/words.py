"""What the words after a command are: pictures first, then the question."""

import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from bot.errors import NoSuchFile
from bot.frontends.shell import STANDARD_INPUT
from threadsight.errors import NoPictures

_FILE_NAME = re.compile(r"\S+\.([A-Za-z][A-Za-z0-9]{1,4})")  # one word with an ending
_ENDINGS = frozenset(["png", "jpg", "jpeg", "webp", "gif", "heic", "heif", "avif", "tif", "tiff", "bmp", "pdf"])
_SHORTEST_SLIP = 3  # letters; jp and ng are countries


def read_words(words: Sequence[str]) -> tuple[tuple[str, ...], str]:
    """Pictures and question, of none or more. The last word is the question, unless it is a picture too.

    >>> read_words(["https://example.org/chart.png", "What is this?"])
    (('https://example.org/chart.png',), 'What is this?')
    >>> read_words(["-"])
    (('-',), '')

    Raises:
        NoSuchFile: a word before the question, or one that looks like a path, leads nowhere.
    """
    if not words:
        return (), ""
    *pictures, last = words
    if is_picture(last) or _looks_like_path(last):
        return check_pictures(words), ""
    return check_pictures(pictures), last


def check_pictures(words: Sequence[str]) -> tuple[str, ...]:
    """All of them, before anything is started for them.

    Raises:
        NoSuchFile: a path leads nowhere.
    """
    for word in words:
        if not is_picture(word):
            raise NoSuchFile(path=word)
    return tuple(words)


def check_subject(pictures: Sequence[str]) -> None:
    """Nothing can be asked about nothing.

    Raises:
        NoPictures: that.
    """
    if not pictures:
        raise NoPictures


def is_picture(word: str) -> bool:
    """Standard input, an address, or a file or a pipe that is there."""
    if word in STANDARD_INPUT:
        return True
    try:
        path = Path(word).expanduser()
        return urlsplit(word).scheme in {"http", "https"} or path.is_file() or path.is_fifo()
    except (OSError, RuntimeError, ValueError):  # too long for a path, nobody's home, half an address: words
        return False


def _looks_like_path(word: str) -> bool:
    """One word with the ending of a picture or a PDF, be it with a slip in it, or with folders and any ending.

    >>> [_looks_like_path(word) for word in ("sales.pgn", "charts/sales.dat", "Node.js", "example.jp", "either/or")]
    [True, True, False, False, False]
    """
    named = _FILE_NAME.fullmatch(word)
    if named is None:
        return False
    ending = named[1].lower()
    return "/" in word or "\\" in word or any(_is_slip(ending, meant) for meant in _ENDINGS)


def _is_slip(written: str, meant: str) -> bool:
    """At most one letter is missing, too many or another, or two neighbours have changed places."""
    if written == meant:
        return True
    if len(written) < _SHORTEST_SLIP:
        return False
    same = next((at for at, pair in enumerate(zip(written, meant, strict=False)) if pair[0] != pair[1]), None)
    at = min(len(written), len(meant)) if same is None else same
    ours, theirs = written[at:], meant[at:]
    swapped = theirs[1:2] + theirs[:1] + theirs[2:]
    return ours in {swapped, theirs[1:]} or ours[1:] in {theirs, theirs[1:]}
