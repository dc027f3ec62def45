"""The deliveries that this process holds: each has a task that sees it through, and a lease that is kept up."""

import asyncio
from collections.abc import Callable, Coroutine

from jobs import JobId, ReplyLedger


class Custody:
    """Tasks by job. A delivery that is no longer ours is dropped without a word."""

    def __init__(self, *, holder: str, replies: ReplyLedger) -> None:
        self._holder = holder
        self._replies = replies
        self._held: dict[JobId, asyncio.Task[None]] = {}

    def take(self, job: JobId, work: Coroutine[None, None, None]) -> None:
        """See a delivery through, unless that is under way already (our own lease had run out and was taken again)."""
        if job in self._held:
            work.close()
            return
        task = asyncio.create_task(work, name=f"deliver {job}")
        self._held[job] = task
        task.add_done_callback(lambda _: self._held.pop(job, None))

    async def renew(self) -> None:
        """Keep all leases; drop what another process has taken over."""
        for job in await self._replies.renew(holder=self._holder, jobs=tuple(self._held)):
            await self.drop(job)

    async def wait(self, job: JobId) -> None:
        """Until the delivery is no longer held here."""
        if job in self._held:
            await asyncio.wait({self._held[job]})

    async def drop(self, job: JobId) -> None:
        """Stop seeing a delivery through."""
        task = self._held.get(job)
        if task is not None:
            task.cancel()
            await asyncio.wait({task})

    async def drop_all(self, matches: Callable[[JobId], bool]) -> None:
        """Stop these; their leases run out, and whoever is alive then takes over."""
        for job in list(filter(matches, self._held)):
            await self.drop(job)

    async def close(self) -> None:
        """Stop all."""
        await self.drop_all(lambda _: True)
