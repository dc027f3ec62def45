"""A reply: what has been posted for a job, and which bot process sees it through."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from jobs.job import Job, JobId


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """An accepted job whose answer is still owed to its asker.

    `taken_in` is False while its pictures have not been attached: whoever holds the delivery resumes the intake
    first. `posted` are the platform's ids of what stands in the thread for it, the placeholder first.
    """

    job: Job
    taken_in: bool = True
    posted: tuple[str, ...] = ()


class ReplyLedger(Protocol):
    """What is owed and what was posted. `submit` opens an entry, under a lease of the submitting bot process.

    A job that nothing is known of (Redis lost it) is nobody else's: whoever still holds it tells its asker so.
    """

    async def adopt(self, *, holder: str, platforms: Sequence[str], limit: int = 100) -> list[Delivery]:
        """Take over deliveries of these platforms whose holder is lost (lease run out)."""
        ...

    async def renew(self, *, holder: str, jobs: Sequence[JobId]) -> tuple[JobId, ...]:
        """Keep the lease over these; the ones that are no longer ours."""
        ...

    async def record(self, *, holder: str, job: JobId, posted: Sequence[str]) -> None:
        """What stands on the platform now, all of it.

        Raises:
            Fenced: another process holds this delivery.
        """
        ...

    async def close(self, *, holder: str, job: JobId) -> None:
        """The final text stands: nothing is owed any more.

        Raises:
            Fenced: another process holds this delivery.
        """
        ...


class Leases(Protocol):
    """One holder at a time for a name (a front end's connection): the second process stands by."""

    async def hold(self, name: str, *, holder: str) -> bool:
        """Take or renew it for one lease time; whether it is ours."""
        ...

    async def release(self, name: str, *, holder: str) -> None:
        """Give it up at once, if it is ours."""
        ...
