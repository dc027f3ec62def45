"""The chat side's end of the queue."""

import uuid
from collections.abc import Sequence

import msgspec

from jobs.answer import Cancelled, Ending
from jobs.errors import NotTheLastTurn, QueueFull, TenantQueueFull
from jobs.job import Job, JobId
from jobs.picture import Picture
from jobs.queue import Position, Submission
from jobs.redis.encoding import encode, escape_source, husk_of, read_job
from jobs.redis.server import Server


class RedisQueueIn:
    """`QueueIn`."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def submit(self, job: Job, *, holder: str, ready: bool = False) -> Submission:
        """See `QueueIn.submit`."""
        facts = {
            "id": str(job.id),
            "conversation": str(job.conversation),
            "source": escape_source(job.source),
            "revision": job.revision,
            "asker": job.asker,
            "holder": holder,
            "call": uuid.uuid4().hex,
            "patience_s": job.patience_s,
            "ready": ready,
        }
        outcome, *found = await self._server.call("submit", encode(facts), encode(job), encode(husk_of(job)))
        match outcome:
            case b"queue_full":
                raise QueueFull(limit=self._server.settings.max_waiting)
            case b"tenant_queue_full":
                raise TenantQueueFull(limit=self._server.settings.max_waiting_per_tenant)
            case b"not_the_last_turn":
                raise NotTheLastTurn
            case b"joined":
                accepted_at_s, stored = found
                return Submission(job=read_job(stored, accepted_at_s), joined=True)
        return Submission(job=msgspec.structs.replace(job, accepted_at_s=float(found[0])))

    async def attach(self, job: JobId, pictures: Sequence[Picture], notices: Sequence[str] = ()) -> None:
        """See `QueueIn.attach`."""
        await self._server.call("attach", str(job), encode(tuple(pictures)), encode(tuple(notices)))

    async def end(self, job: JobId, ending: Ending) -> bool:
        """See `QueueIn.end`."""
        reason = ending.reason if isinstance(ending, Cancelled) else "stopped"
        return bool(await self._server.call("end", str(job), encode(ending), reason))

    async def position(self, job: JobId) -> Position | None:
        """See `QueueIn.position`."""
        found = await self._server.call("position", str(job))
        if found is None:
            return None
        ahead, wait_s = found
        return Position(ahead=ahead, wait_s=None if wait_s is None else float(wait_s))
