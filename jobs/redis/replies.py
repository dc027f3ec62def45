"""Deliveries and leases over Redis."""

from collections.abc import Sequence
from urllib.parse import quote

import msgspec
import structlog

from jobs.errors import DeliveryLost
from jobs.job import JobId
from jobs.redis.encoding import encode, read_job, read_texts
from jobs.redis.server import Server
from jobs.reply import Delivery

log = structlog.get_logger()


class RedisReplies:
    """`ReplyLedger`."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def adopt(self, *, holder: str, platforms: Sequence[str], limit: int = 100) -> list[Delivery]:
        """See `ReplyLedger.adopt`."""
        escaped = [quote(platform, safe="") for platform in platforms]
        adopted = await self._server.call("adopt", encode({"holder": holder, "platforms": escaped, "limit": limit}))
        deliveries = [await self._read_delivery(holder, fields) for fields in adopted]
        return [delivery for delivery in deliveries if delivery is not None]

    async def renew(self, *, holder: str, jobs: Sequence[JobId]) -> tuple[JobId, ...]:
        """See `ReplyLedger.renew`."""
        lost = await self._server.call("renew", encode({"holder": holder, "jobs": [str(job) for job in jobs]}))
        return tuple(JobId.read(job.decode()) for job in lost)

    async def record(self, *, holder: str, job: JobId, posted: Sequence[str]) -> None:
        """See `ReplyLedger.record`."""
        if not await self._server.call("record", holder, str(job), encode(tuple(posted))):
            raise DeliveryLost(job=job)

    async def close(self, *, holder: str, job: JobId) -> None:
        """See `ReplyLedger.close`."""
        if not await self._server.call("close", holder, str(job)):
            raise DeliveryLost(job=job)

    async def _read_delivery(self, holder: str, fields: list[bytes]) -> Delivery | None:
        job, stored, accepted_at_s, taken_in, posted = fields
        try:
            return Delivery(
                job=read_job(stored, accepted_at_s), taken_in=bool(int(taken_in)), posted=read_texts(posted)
            )
        except msgspec.MsgspecError as error:
            # Nobody can tell where its answer goes; left alone it would come back after every lease.
            log.warning("a delivery cannot be read and is given up", job=job.decode(), reason=str(error))
            await self._server.call("close", holder, job)
            return None


class RedisLeases:
    """`Leases`."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def hold(self, name: str, *, holder: str) -> bool:
        """See `Leases.hold`."""
        return bool(await self._server.call("hold", name, holder))

    async def release(self, name: str, *, holder: str) -> None:
        """See `Leases.release`."""
        await self._server.call("release", name, holder)
