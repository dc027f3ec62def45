"""The queue's two ends, as each side sees them. Redis is behind both; `jobs.memory` is the same in one process."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from jobs.answer import Delta, Ending
from jobs.conversation import ConversationId, Turn
from jobs.job import Job, JobId
from jobs.picture import Picture

LOOKAHEAD = 16  # how many ready conversations beyond its room a claim looks at, past those left to other workers
RUN_TIME_WEIGHT = 0.1  # of the latest answer in the running mean that `Position.wait_s` rests on


class Submission(msgspec.Struct, frozen=True, kw_only=True):
    """A question is accepted. `joined`: it had been accepted before (a retried event)."""

    job: Job
    joined: bool = False


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """Where a waiting job stands. `wait_s` is None while nothing is known of how long answers take."""

    ahead: int
    wait_s: float | None = None


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """A job in a worker's hands. `attempt` fences: a later claim of the same job makes this one void."""

    job: Job
    pictures: tuple[Picture, ...] = ()
    notices: tuple[str, ...] = ()  # intake's verdicts, told beside the answer
    attempt: int = 1
    epoch: int = 0  # the conversation's, for every cache key


class Cancellation(msgspec.Struct, frozen=True, kw_only=True):
    """A running job is to end: commit `Cancelled(reason)` with what is written so far."""

    job: JobId
    reason: str


class Pulse(msgspec.Struct, frozen=True, kw_only=True):
    """What a heartbeat brings back."""

    cancellations: tuple[Cancellation, ...] = ()
    fenced: tuple[JobId, ...] = ()  # no longer ours: drop without a word
    forgotten: tuple[tuple[ConversationId, int], ...] = ()  # with the new epoch: drop every cache of the older ones


class QueueIn(Protocol):
    """What the chat side needs of the queue."""

    async def submit(self, job: Job, *, holder: str, ready: bool = False) -> Submission:
        """Accept a question: from here on it ends in exactly one terminal event.

        Its place in the conversation is fixed now. `holder` (a bot process) gets the lease over its intake and
        delivery. `ready` skips the intake: there are no pictures to take in.

        Raises:
            QueueFull, TenantQueueFull: the bound is reached; nothing was accepted.
            NotTheLastTurn: `revision` > 0 of a question that is not its conversation's last.
        """
        ...

    async def attach(self, job: JobId, pictures: Sequence[Picture], notices: Sequence[str] = ()) -> None:
        """Its pictures are in: the job may be claimed. A second call, or one on an ended job, changes nothing."""
        ...

    async def end(self, job: JobId, ending: Ending) -> bool:
        """End a job from the chat side: intake refused everything (`Failed`), or Stop (`Cancelled`).

        A waiting job ends at once. A running one is asked to (its worker commits `Cancelled` with the text so far,
        or its lease runs out). False: it had ended already or is unknown.
        """
        ...

    async def position(self, job: JobId) -> Position | None:
        """Where it stands, or None when it is running, ended or unknown."""
        ...


class QueueOut(Protocol):
    """What a worker needs of the queue."""

    async def claim(self, *, worker: str, room: int, wait_s: float = 0.0) -> list[Claim]:
        """Up to `room` jobs, each of another conversation, in fair order; waits up to `wait_s` for the first.

        A conversation whose cache another live worker holds is left to it for two seconds. A call that is
        cancelled while it waits keeps nothing: what it was given just then goes back at once.
        """
        ...

    async def publish(self, claim: Claim, delta: Delta) -> None:
        """More of the answer. The first one of an attempt is preceded by `Started`, written by `claim`.

        At offset 0 it takes the words so far back. What was published already is published once. What rests on
        something that was forgotten since the claim is not said: see `commit`.

        Raises:
            Fenced: the job is no longer this claim's.
        """
        ...

    async def commit(self, claim: Claim, ending: Ending, turn: Turn | None = None) -> None:
        """The end, in one step: terminal event, turn into the history, job state, next job of the conversation.

        `turn` replaces the turn of the same source (an edit, a regeneration), else it is appended. Committing the
        same claim twice is one commit (a lost response). The turn of a forgotten conversation is dropped, and so are
        turn and words of a job that was asked to end, where they rest on something forgotten since the claim.

        Raises:
            RestsOnForgotten: something was forgotten there since the claim, and nobody has asked the job to end. It is
                to be answered anew, by the same claim with the new epoch.
            Fenced: the job is no longer this claim's.
        """
        ...

    async def heartbeat(self, *, worker: str, claims: Sequence[Claim]) -> Pulse:
        """Renew the leases of `claims`; what has happened meanwhile to any of them, or to any conversation."""
        ...


class Reaper(Protocol):
    """Keeps the promises that nobody else is left to keep. Both sides call it, every second or so."""

    async def reap(self) -> int:
        """Re-queue jobs of lost workers, end those past their deadline or attempts; how many were touched."""
        ...
