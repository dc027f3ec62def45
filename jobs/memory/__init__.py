"""The contract in one process: the executable specification of `jobs.redis`, and the fake for tests."""

from dataclasses import dataclass

from jobs.memory.answers import MemoryAnswers
from jobs.memory.clock import Clock
from jobs.memory.conversations import MemoryConversations
from jobs.memory.eraser import MemoryEraser
from jobs.memory.health import MemoryMonitor
from jobs.memory.pictures import MemoryPictures
from jobs.memory.queue import MemoryQueue
from jobs.memory.reaper import MemoryReaper
from jobs.memory.replies import MemoryLeases, MemoryReplies
from jobs.memory.silence import MemorySilences
from jobs.memory.state import State
from jobs.settings import StoreSettings
from jobs.stores import Jobs

__all__ = ["Clock", "MemoryJobs", "open_memory"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryJobs(Jobs):
    """All ports over one state. `clock.advance(seconds)` moves its time on, so that nobody waits in a test."""

    clock: Clock


def open_memory(settings: StoreSettings) -> MemoryJobs:
    """An empty store that lives as long as what is returned."""
    clock = Clock()
    state = State(settings=settings, clock=clock)
    queue = MemoryQueue(state)
    conversations = MemoryConversations(state)
    return MemoryJobs(
        settings=settings,
        queue_in=queue,
        queue_out=queue,
        reaper=MemoryReaper(state),
        answers=MemoryAnswers(state),
        conversations=conversations,
        eraser=MemoryEraser(state, conversations),
        pictures=MemoryPictures(state),
        replies=MemoryReplies(state),
        leases=MemoryLeases(state),
        silences=MemorySilences(state),
        monitor=MemoryMonitor(state),
        clock=clock,
    )
