"""How a question from the shell ended: for programs, and for the exit code."""

import json

import msgspec

from jobs import Picture, Usage
from jobs.errors import ThreadsightError


class SeenPicture(msgspec.Struct, frozen=True, kw_only=True):
    """A picture of the conversation, by the number that people and answers call it by."""

    number: int
    name: str
    width: int  # pixels, upright
    height: int

    @classmethod
    def of(cls, picture: Picture) -> "SeenPicture":
        """What a program may want to know of a picture."""
        return cls(number=picture.number, name=picture.name, width=picture.width, height=picture.height)


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """Why there is no answer: a stable name, and the sentence for the person."""

    code: str
    sentence: str

    @classmethod
    def of(cls, error: ThreadsightError) -> "Failure":
        """An error that kept the question from being asked."""
        return cls(code=error.code, sentence=error.sentence)


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What `--json` prints. `answer` is the beginning of one when `failure` says that it was stopped.

    `job` and `conversation` are empty where it came to no question.
    """

    answer: str
    pictures: tuple[SeenPicture, ...] = ()  # all of the conversation
    notices: tuple[str, ...] = ()
    usage: Usage = Usage()
    job: str = ""
    conversation: str = ""
    failure: Failure | None = None

    def as_json(self, *, escaped: bool = False) -> str:
        """One object on one line; `escaped` for where not every letter can be written."""
        return json.dumps(msgspec.to_builtins(self)) if escaped else msgspec.json.encode(self).decode()
