"""What the words after a command are: pictures first, then the question."""

import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from bot.errors import NoSuchFile
from threadsight.errors import NoPictures

STANDARD_INPUT = "-"

_FILE_NAME = re.compile(
    r"\S+\.[A-Za-z][A-Za-z0-9]{1,4}"
)  # one word with an ending: most often a path with a slip in it


def read_words(words: Sequence[str]) -> tuple[tuple[str, ...], str]:
    """Pictures and question. The last word is the question, unless it is a picture too.

    >>> read_words(["https://example.org/chart.png", "What is this?"])
    (('https://example.org/chart.png',), 'What is this?')
    >>> read_words(["-"])
    (('-',), '')

    Raises:
        NoSuchFile: a word before the question, or one that looks like a path, leads nowhere.
    """
    *pictures, last = words
    if is_picture(last) or _FILE_NAME.fullmatch(last):
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
    """Standard input, an address, or a file that is there."""
    try:
        return word == STANDARD_INPUT or urlsplit(word).scheme in {"http", "https"} or Path(word).expanduser().is_file()
    except (OSError, RuntimeError, ValueError):  # too long for a path, nobody's home, half an address: words
        return False
