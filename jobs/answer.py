"""An answer on its way: what a worker publishes and what a reader sees."""

from collections.abc import AsyncIterator
from typing import Protocol

import msgspec

from jobs.job import JobId

ANSWER_KEPT_S = 3_600.0  # the events, after the end; the ending itself is kept as long as the job's id
ANSWER_MAX_EVENTS = 10_000  # deltas beyond are dropped: only a runaway worker writes that many, and `Done` has it all


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """What the answer cost."""

    prompt_tokens: int = 0
    cached_tokens: int = 0  # of the prompt: not computed again
    new_tokens: int = 0
    first_token_s: float = 0.0  # until the first token, once the prompt was built
    total_s: float = 0.0


class Started(msgspec.Struct, frozen=True, kw_only=True, tag="started"):
    """A worker has taken the job; a second one means the first was lost and the text starts over."""

    attempt: int


class Delta(msgspec.Struct, frozen=True, kw_only=True, tag="delta"):
    """More text. `offset` counts the characters of this attempt before it, so that a repeated one is recognised.

    A second one at offset 0 begins the answer anew: what was said before it is taken back. It is empty where something
    was forgotten that the words may rest on, and new ones are still to come.
    """

    attempt: int
    offset: int
    text: str


class Done(msgspec.Struct, frozen=True, kw_only=True, tag="done"):
    """The end: the whole text, so a reader that starts late or saw two attempts is right.

    `notices` are sentences beside the answer ("clip.mp4 skipped: ...", "using the latest 6 of 9 pictures").
    """

    text: str
    usage: Usage = Usage()
    notices: tuple[str, ...] = ()


class Failed(msgspec.Struct, frozen=True, kw_only=True, tag="failed"):
    """The end: no answer. `advice` is the sentence that the person reads."""

    code: str
    advice: str
    notices: tuple[str, ...] = ()


class Cancelled(msgspec.Struct, frozen=True, kw_only=True, tag="cancelled"):
    """The end: somebody stopped it. `reason` is one of `stopped`, `superseded`, `forgotten`."""

    reason: str
    text: str = ""  # what had been written by then


Ending = Done | Failed | Cancelled
AnswerEvent = Started | Delta | Done | Failed | Cancelled


class AnswerReader(Protocol):
    """Follows answers as they are written. Position and expected wait are a query of the queue, not an event."""

    def follow(self, job: JobId) -> AsyncIterator[AnswerEvent]:
        """Every event from the first on, ending after the terminal one. May be called again, by anyone, any time."""
        ...
