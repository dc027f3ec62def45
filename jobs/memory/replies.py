"""Deliveries and leases in one process."""

from collections.abc import Sequence

from jobs.errors import DeliveryLost
from jobs.job import JobId
from jobs.memory.records import JobRecord, JobState
from jobs.memory.state import State
from jobs.reply import Delivery


class MemoryReplies:
    """`ReplyLedger`."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def adopt(self, *, holder: str, platforms: Sequence[str], limit: int = 100) -> list[Delivery]:
        """See `ReplyLedger.adopt`."""
        lost = [
            record
            for record in self._state.records.values()
            if record.job.conversation.platform in platforms
            and not record.delivered
            and record.delivery_until_s <= self._state.now_s
        ]
        for record in lost[:limit]:
            record.holder = holder
            self._extend(record)
        return [
            Delivery(job=record.job, taken_in=record.state is not JobState.SUBMITTED, posted=record.posted)
            for record in lost[:limit]
        ]

    async def renew(self, *, holder: str, jobs: Sequence[JobId]) -> tuple[JobId, ...]:
        """See `ReplyLedger.renew`."""
        lost = []
        for job in jobs:
            record = self._state.record(job)
            if record is None:
                continue
            if record.holder != holder:
                lost.append(job)
            else:
                self._extend(record)
        return tuple(lost)

    async def record(self, *, holder: str, job: JobId, posted: Sequence[str]) -> None:
        """See `ReplyLedger.record`."""
        if (record := self._held(holder, job)) is not None:
            record.posted = tuple(posted)

    async def close(self, *, holder: str, job: JobId) -> None:
        """See `ReplyLedger.close`."""
        if (record := self._held(holder, job)) is not None:
            self._state.close_delivery(record)
            conversation = record.job.conversation
            if record.state is JobState.ENDED and self._state.knows(conversation):
                self._state.release_orphans(self._state.thread(conversation))  # its intake may have been broken off

    def _held(self, holder: str, job: JobId) -> JobRecord | None:
        record = self._state.record(job)
        if record is not None and record.holder != holder:
            raise DeliveryLost(job=job)
        return record

    def _extend(self, record: JobRecord) -> None:
        record.delivery_until_s = self._state.now_s + self._state.settings.lease_s


class MemoryLeases:
    """`Leases`."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def hold(self, name: str, *, holder: str) -> bool:
        """See `Leases.hold`."""
        current, until_s = self._state.leases.get(name, ("", 0.0))
        if current != holder and until_s > self._state.now_s:
            return False
        self._state.leases[name] = (holder, self._state.now_s + self._state.settings.lease_s)
        return True

    async def release(self, name: str, *, holder: str) -> None:
        """See `Leases.release`."""
        if self._state.leases.get(name, ("", 0.0))[0] == holder:
            del self._state.leases[name]
