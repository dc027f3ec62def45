"""The contract over one Redis (7.0 or later) or Valkey: what production uses."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from jobs.redis.answers import RedisAnswers
from jobs.redis.conversations import RedisConversations
from jobs.redis.eraser import RedisEraser
from jobs.redis.health import RedisMonitor
from jobs.redis.pictures import RedisPictures
from jobs.redis.queue_in import RedisQueueIn
from jobs.redis.queue_out import RedisQueueOut
from jobs.redis.reaper import RedisReaper
from jobs.redis.replies import RedisLeases, RedisReplies
from jobs.redis.server import RIDE_OUT_S, Server
from jobs.redis.silence import RedisSilences
from jobs.settings import StoreSettings
from jobs.stores import Jobs

__all__ = ["open_redis"]


@asynccontextmanager
async def open_redis(url: str, settings: StoreSettings, *, ride_out_s: float = RIDE_OUT_S) -> AsyncIterator[Jobs]:
    """All ports over the Redis at `url` (`redis://`, `rediss://`, `unix://`); its connections close at the end.

    A Redis that restarts is waited for up to `ride_out_s` seconds in every call, and no call has an effect twice.

    Raises:
        StoreUnavailable: Redis stays away for longer; here and from every port.
    """
    server = Server(url, settings, ride_out_s=ride_out_s)
    try:
        queue_out = RedisQueueOut(server, forgotten_read=await server.last_id("forgotten"))
        conversations = RedisConversations(server)
        yield Jobs(
            settings=settings,
            queue_in=RedisQueueIn(server),
            queue_out=queue_out,
            reaper=RedisReaper(server),
            answers=RedisAnswers(server),
            conversations=conversations,
            eraser=RedisEraser(server, conversations),
            pictures=RedisPictures(server),
            replies=RedisReplies(server),
            leases=RedisLeases(server),
            silences=RedisSilences(server),
            monitor=RedisMonitor(server),
        )
    finally:
        await server.close()
