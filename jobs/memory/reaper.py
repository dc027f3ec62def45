"""The reaper in one process."""

from jobs.answer import Cancelled, Failed
from jobs.errors import DeadlinePassed, WorkerKeepsFailing
from jobs.memory.records import JobRecord, JobState
from jobs.memory.state import State


class MemoryReaper:
    """`Reaper`."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def reap(self) -> int:
        """See `Reaper.reap`."""
        self._state.sweep()
        unended = [record for record in self._state.records.values() if record.state is not JobState.ENDED]
        lost = [record for record in unended if self._is_lost(record)]
        overdue = [record for record in unended if self._is_overdue(record)]
        for record in lost:
            self._take_back(record)
        for record in overdue:
            error = DeadlinePassed(patience_s=record.job.patience_s)
            self._state.end(record, Failed(code=error.code, advice=error.sentence))
        return len(lost) + len(overdue)

    def _is_lost(self, record: JobRecord) -> bool:
        return record.state is JobState.RUNNING and record.leased_until_s <= self._state.now_s

    def _is_overdue(self, record: JobRecord) -> bool:
        return record.waits and record.deadline_s <= self._state.now_s

    def _take_back(self, record: JobRecord) -> None:
        """A lost worker's job goes back to its own place in the order, open to every worker, and waits as at first."""
        state = self._state
        if record.cancel is not None:
            state.end(record, Cancelled(reason=record.cancel))
        elif record.attempt >= state.settings.max_attempts:
            error = WorkerKeepsFailing(attempts=record.attempt)
            state.end(record, Failed(code=error.code, advice=error.sentence))
        else:
            record.state = JobState.READY
            record.held_until_s = 0.0
            record.deadline_s = state.now_s + record.job.patience_s
            state.waiting[record.job.conversation.tenant_key] += 1
            state.promote(state.threads[record.job.conversation])
