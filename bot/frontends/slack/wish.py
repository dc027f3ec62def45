"""What the words of a message want: an answer, or one of the few things that the bot does by name."""

import enum

import msgspec

from jobs import JobKind


class Deed(enum.StrEnum):
    """Other than answering."""

    HELP = "help"
    FORGET = "forget"
    STOP = "stop"
    SILENCE = "stop listening"
    LISTEN = "listen"


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """A task with the words beside it."""

    kind: JobKind = JobKind.ASK
    text: str = ""


_TASKS = {"ocr": JobKind.OCR, "compare": JobKind.COMPARE}  # may be followed by words
_ALONE = {"describe": JobKind.DESCRIBE, "read": JobKind.OCR, "read text": JobKind.OCR}
_DEEDS = {
    "help": Deed.HELP,
    "forget": Deed.FORGET,
    "forget this": Deed.FORGET,
    "stop": Deed.STOP,
    "stop listening": Deed.SILENCE,
    "listen": Deed.LISTEN,
    "start listening": Deed.LISTEN,
}


def read_wish(text: str) -> Wish | Deed:
    """From what was said to the bot, by name or in a direct message.

    >>> read_wish("ocr"), read_wish("compare what has moved?").text, read_wish("Help!")
    (Wish(kind=<JobKind.OCR: 'ocr'>, text=''), 'what has moved?', <Deed.HELP: 'help'>)
    """
    said = text.strip()
    whole = said.lower().rstrip("!.?").removeprefix("/")
    if whole in _DEEDS:
        return _DEEDS[whole]
    if whole in _ALONE:
        return Wish(kind=_ALONE[whole])
    first, _, rest = said.partition(" ")
    task = _TASKS.get(first.lower().rstrip(":,").removeprefix("/"))
    return Wish(text=said) if task is None else Wish(kind=task, text=rest.strip())
