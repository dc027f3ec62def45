"""Time in the memory store: the real one, which tests may move on, and the bell that wakes whoever waits."""

import asyncio
import contextlib
import time


class Clock:
    """Seconds since 1970, like Redis's TIME. Waiting is for a change of the store or of the time."""

    def __init__(self) -> None:
        self._ahead_s = 0.0
        self._changed = asyncio.Event()

    def now_s(self) -> float:
        """The time that every verb of the store uses."""
        return time.time() + self._ahead_s

    def advance(self, seconds: float) -> None:
        """Let time pass at once."""
        self._ahead_s += seconds
        self.ring()

    def ring(self) -> None:
        """Something changed: everybody who waits looks again."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def wait(self, timeout_s: float | None = None) -> None:
        """Until the next change, or `timeout_s` of real time. Look first: a change before the call is not seen."""
        changed = self._changed
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await changed.wait()
