"""What can go wrong with the contract between the two sides.

ThreadsightError
    Refused                 the person can do something about it
        QueueFull
        TenantQueueFull
        NotTheLastTurn
        DeadlinePassed
        PictureGone
        QuestionUnknown
    Unavailable             somebody else must do something about it
        StoreUnavailable
        WorkerKeepsFailing
        QuestionUnreadable
    Fenced                  we are late: somebody else owns the job now; nobody is told
        DeliveryLost
        RestsOnForgotten    the job is ours still, and begins anew

The docstring of a leaf is the sentence that a person reads. Call sites raise with facts, never with prose.
`bot/errors.py` and `inference_worker/errors.py` add their own leaves under `Refused` and `Unavailable`.
"""

import functools
import inspect
import re
from collections.abc import Callable


class ThreadsightError(Exception):
    """Something went wrong."""

    def __init__(self, **facts: object) -> None:
        self.facts = facts
        super().__init__(self.sentence)

    def __reduce__(self) -> tuple[Callable[[], "ThreadsightError"], tuple[()]]:
        """Pickled by its facts, so that it comes out of another process as it was."""
        return functools.partial(type(self), **self.facts), ()

    @property
    def sentence(self) -> str:
        """What the person reads: the class's docstring with the facts filled in."""
        return inspect.cleandoc(type(self).__doc__ or "").format(**self.facts)

    @property
    def code(self) -> str:
        """A stable name for programs: `QueueFull` is `queue_full`."""
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(self).__name__).lower()


class Refused(ThreadsightError):
    """That cannot be done as asked."""


class Unavailable(ThreadsightError):
    """Threadsight cannot answer right now."""


class QueueFull(Refused):
    """The queue is full ({limit} questions are waiting). Please ask again in a few minutes."""


class TenantQueueFull(Refused):
    """{limit} questions from here are waiting already. Please ask again when some are answered."""


class NotTheLastTurn(Refused):
    """Only the last question of a conversation can be answered again."""


class DeadlinePassed(Refused):
    """Nobody got to this question within {patience_s:.0f} s, so it was given up. Please ask again."""


class PictureGone(Refused):
    """Picture {number} is no longer stored. Please post it again."""


class QuestionUnknown(Refused):
    """Nothing is known of this question any more. Please ask again."""


class StoreUnavailable(Unavailable):
    """Redis cannot be reached ({reason})."""


class WorkerKeepsFailing(Unavailable):
    """The model failed {attempts} times on this question, so it was given up. The log of the worker says why."""


class QuestionUnreadable(Unavailable):
    """This question is stored in a form that this version cannot read. Please ask again."""


class Fenced(ThreadsightError):
    """Attempt {attempt} of job {job} is no longer ours."""


class DeliveryLost(Fenced):
    """The delivery of job {job} is no longer ours."""


class RestsOnForgotten(Fenced):
    """Attempt {attempt} of job {job} rests on something that was forgotten; epoch {epoch} is without it."""

    def __init__(self, *, epoch: int, **facts: object) -> None:
        self.epoch = epoch
        super().__init__(epoch=epoch, **facts)
