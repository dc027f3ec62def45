"""What the memory store keeps of one job, one conversation, one picture. What becomes of them is `State`'s."""

import enum
from collections.abc import Iterable
from dataclasses import dataclass, field

from jobs.answer import AnswerEvent, Delta, Ending
from jobs.conversation import ConversationId, Turn, pictures_left
from jobs.job import Job, JobId
from jobs.picture import Picture


class JobState(enum.Enum):
    """Where a job is in its life."""

    SUBMITTED = enum.auto()  # its pictures are being taken in
    READY = enum.auto()  # attached; claimable when it heads its line
    RUNNING = enum.auto()
    ENDED = enum.auto()


@dataclass(slots=True)
class JobRecord:
    """A job's life. `job` loses its words when it is forgotten; its place and `reply_to` stay."""

    job: Job
    state: JobState = JobState.SUBMITTED
    pictures: tuple[Picture, ...] = ()
    notices: tuple[str, ...] = ()
    events: list[AnswerEvent | None] = field(default_factory=list)  # None: taken back
    written: int = 0  # characters of this attempt
    ending: Ending | None = None
    deadline_s: float = 0.0  # the asker is told then, unless it runs
    # the worker's end
    attempt: int = 0
    worker: str = ""
    started_at_s: float = 0.0
    leased_until_s: float = 0.0
    committed: int | None = None  # the attempt that ended it
    cancel: str | None = None  # asked to end, and why
    finish: float | None = None  # virtual finish time: its place among the ready
    held_until_s: float = 0.0  # left to the worker that knows the conversation
    # the bot's end
    holder: str = ""
    delivered: bool = False
    delivery_until_s: float = 0.0
    posted: tuple[str, ...] = ()
    known_until_s: float = float("inf")

    @property
    def waits(self) -> bool:
        """Accepted, and not started or taken back."""
        return self.state in {JobState.SUBMITTED, JobState.READY}

    def take_back_words(self) -> None:
        """Of what was said so far nothing is left to be read; readers keep their places."""
        self.events = [None if isinstance(event, Delta) else event for event in self.events]
        self.written = 0


@dataclass(slots=True)
class Thread:
    """A conversation as the store knows it."""

    id: ConversationId
    epoch: int
    used_at_s: float
    line: list[JobId] = field(default_factory=list)
    turns: dict[str, Turn] = field(default_factory=dict)  # by source, oldest first
    askers: dict[str, str] = field(default_factory=dict)  # by source
    newest: dict[str, int] = field(default_factory=dict)  # revision by source
    brought: dict[str, frozenset[str]] = field(default_factory=dict)  # digests by source, of all its revisions
    digests: set[str] = field(default_factory=set)  # put for this conversation
    dropped: dict[tuple[str, int], Picture] = field(default_factory=dict)  # by source and number
    withdrawn: set[tuple[str, str]] = field(default_factory=set)  # source, origin
    last_source: str | None = None
    worker: str | None = None  # committed the last turn: holds the cache

    @property
    def sources_waiting(self) -> list[str]:
        """Of the questions in line, the last one first; a forgotten one that still runs is nobody's."""
        return [job.source for job in reversed(self.line) if job.source in self.askers]

    @property
    def sources_from_behind(self) -> list[str]:
        """Those that wait last in line first: in this order none is started because one before it ended."""
        return list(dict.fromkeys([*self.sources_waiting, *self.askers]))

    def bring(self, source: str, pictures: Iterable[Picture]) -> None:
        """Those of earlier revisions stay with the question: their turn stands until another takes its place."""
        left = frozenset(picture.digest for picture in pictures_left(self.withdrawn, source, pictures))
        self.brought[source] = self.brought.get(source, frozenset()) | left

    def drop_source(self, source: str) -> bool:
        """Nothing of a question is kept; whether it was answered."""
        self.brought.pop(source, None)
        self.askers.pop(source, None)
        self.dropped = {key: mark for key, mark in self.dropped.items() if key[0] != source}
        self.withdrawn = {mark for mark in self.withdrawn if mark[0] != source}
        return self.turns.pop(source, None) is not None


@dataclass(slots=True)
class StoredPicture:
    """Bytes of one tenant, and who uses them."""

    stored: bytes
    used_at_s: float
    users: set[ConversationId] = field(default_factory=set)
