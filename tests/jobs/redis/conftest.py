"""What only the store on a server can show: restarts, lost responses, what is left on the disk."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from jobs.redis import open_redis
from jobs.stores import Jobs
from tests.jobs.conftest import settings_with
from tests.jobs.valkey_server import ValkeyServer

OpenRedis = Callable[..., Any]  # with settings; awaits to Jobs


@pytest.fixture
def mortal() -> Iterator[ValkeyServer]:
    """A server of the test's own, to be killed and started again."""
    server = ValkeyServer()
    server.start()
    yield server
    server.remove()


@pytest.fixture
async def open_on() -> AsyncIterator[OpenRedis]:
    """Opens the store on a server, with settings of the test's own."""
    async with AsyncExitStack() as stack:

        async def open_with(server: ValkeyServer, *, ride_out_s: float = 10.0, **changed: float) -> Jobs:
            opened = open_redis(server.url, settings_with(**changed), ride_out_s=ride_out_s)
            return await stack.enter_async_context(opened)

        yield open_with


@pytest.fixture
async def jobs(valkey: ValkeyServer, open_on: OpenRedis) -> Jobs:
    opened = await open_on(valkey)
    assert isinstance(opened, Jobs)
    return opened
