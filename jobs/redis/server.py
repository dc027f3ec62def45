"""One Redis: calls of the Lua library and blocking reads, ridden out over a restart.

redis-py's types stop here: what comes back is bytes and lists of them.
"""

import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import redis.asyncio as redis_asyncio
import structlog
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from jobs.errors import StoreUnavailable
from jobs.redis.library import build_library
from jobs.settings import StoreSettings

log = structlog.get_logger()

T = TypeVar("T")
StreamEntry = tuple[str, dict[bytes, bytes]]  # id, fields

RIDE_OUT_S = 10.0  # a Redis that restarts with a large append-only file loads it within this
BLOCK_S = 5.0  # one blocking read; whoever waits longer reads again
SOCKET_TIMEOUT_S = BLOCK_S + 5.0
MAX_CONNECTIONS = 5_000  # every answer that is followed holds one; as many are left of Redis's own `maxclients`

REASONS: dict[type[RedisError], str] = {  # the special kinds of lost connection first
    BusyLoadingError: "it is still loading its data",
    RedisConnectionError: "no connection",
    RedisTimeoutError: "no answer in time",
    OutOfMemoryError: "its memory is full",
    ReadOnlyError: "it is a read-only replica",
}
# What it says of itself in the beginning of an error.
STATES = {
    "MISCONF": "it cannot write to its disk",
    "BUSY": "it is busy with a script",
    "NOREPLICAS": "it has too few replicas",
    "MASTERDOWN": "its master is away",
}


class Server:
    """A connection pool and the library. Every call may be repeated, and leaves what one call leaves."""

    def __init__(self, url: str, settings: StoreSettings, *, ride_out_s: float = RIDE_OUT_S) -> None:
        self.settings = settings
        self._library = build_library(settings)
        self._ride_out_s = ride_out_s
        self._client = redis_asyncio.Redis.from_url(
            url,
            protocol=2,
            socket_timeout=SOCKET_TIMEOUT_S,
            socket_connect_timeout=2.0,
            max_connections=MAX_CONNECTIONS,
            driver_info=None,  # else each new connection looks its own package up on disk: 3 ms of a busy event loop
            retry=Retry(NoBackoff(), 0),  # `_ride_out` is the one place that tries again
        )

    async def call(self, verb: str, *args: str | bytes | float) -> Any:
        """One function of the library: all of it happens, once, or none.

        Raises:
            StoreUnavailable: Redis stayed away, or cannot write.
        """
        return await self._ride_out(lambda: self._call(verb, *args))

    async def read(self, stream: str, *, after: str, block_s: float = 0.0) -> list[StreamEntry]:
        """Entries later than `after`; waits up to `block_s` for the first, without a write."""
        block_ms = max(1, int(min(block_s, BLOCK_S) * 1000)) if block_s > 0 else None
        replies: Any = await self._ride_out(lambda: self._client.xread({_key(stream): after}, block=block_ms))
        return [(entry_id.decode(), fields) for _, entries in replies or [] for entry_id, fields in entries]

    async def last_id(self, stream: str) -> str:
        """Where reading starts for somebody who needs nothing of the past."""
        entries: Any = await self._ride_out(lambda: self._client.xrevrange(_key(stream), count=1))
        return bytes(entries[0][0]).decode() if entries else "0-0"

    async def rewrite(self) -> bool:
        """Have Redis write its append-only file anew, in the background; False: later. A server may forbid it.

        Raises:
            StoreUnavailable: Redis stayed away, or cannot write.
        """
        try:
            await self._ride_out(self._client.bgrewriteaof)
        except ResponseError as error:
            if "in progress" in str(error):  # it may have begun before the last thing was dropped
                return False
            log.warning("what was forgotten stays in Redis's append-only file for now", reason=str(error))
        return True

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()

    async def _call(self, verb: str, *args: str | bytes | float) -> Any:
        function = f"{self._library.prefix}{verb}"
        try:
            return await self._client.fcall(function, 0, *args)
        except ResponseError as error:
            if "function not found" not in str(error).lower():
                raise
        await self._client.function_load(self._library.source, replace=True)
        return await self._client.fcall(function, 0, *args)

    async def _ride_out(self, command: Callable[[], Awaitable[T]]) -> T:
        until = time.monotonic() + self._ride_out_s
        retry = Retry(ExponentialBackoff(cap=0.25, base=0.01), retries=-1)

        def is_worth_it(error: Exception) -> bool:
            return not _is_refused(error) and time.monotonic() < until

        try:
            return await retry.call_with_retry(command, _nothing, is_retryable=is_worth_it)
        except RedisError as error:
            if (reason := _reason(error)) is None:
                raise
            raise StoreUnavailable(reason=reason) from error


async def _nothing(_error: Exception) -> None:
    """The failed connection is closed by redis-py already."""


def _is_refused(error: Exception) -> bool:
    """redis-py wraps it: to its pool it is one more failed connection."""
    return isinstance(error, AuthenticationError) or isinstance(error.__cause__, AuthenticationError)


def _reason(error: RedisError) -> str | None:
    """In words without address or password; None for an error that is our own bug."""
    if _is_refused(error):
        return "it wants another user name or password"
    said = str(error)
    for beginning, reason in STATES.items():
        if isinstance(error, ResponseError) and said.startswith(beginning):
            return reason
    return next((reason for kind, reason in REASONS.items() if isinstance(error, kind)), None)


def _key(stream: str) -> str:
    return f"threadsight:{stream}"
