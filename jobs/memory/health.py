"""Health in one process."""

from jobs.health import Health
from jobs.memory.records import JobState
from jobs.memory.state import State


class MemoryMonitor:
    """`Monitor`."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def health(self) -> Health:
        """See `Monitor.health`."""
        state = self._state
        running = sum(record.state is JobState.RUNNING for record in state.records.values())
        is_claimed = any(until_s > state.now_s for until_s in state.live_until_s.values())
        return Health(
            waiting=sum(state.waiting.values()),
            running=running,
            has_worker=running > 0 or is_claimed,
            mean_run_s=state.mean_run_s,
        )
