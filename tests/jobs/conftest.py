"""One contract, two stores: a test that asks for `open_store` runs against both."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from jobs.memory import MemoryJobs, open_memory
from jobs.redis import open_redis
from jobs.settings import StoreSettings
from jobs.stores import Jobs
from tests.jobs.valkey_server import ValkeyServer

LEASE_S = 0.4
HEARTBEAT_S = 0.01
AFFINITY_S = 0.3


class Store:
    """The ports, and time: moved on at once in memory, waited for with Redis."""

    def __init__(self, jobs: Jobs, settings: StoreSettings) -> None:
        self.jobs = jobs
        self.settings = settings

    async def pass_time(self, seconds: float) -> None:
        if isinstance(self.jobs, MemoryJobs):
            self.jobs.clock.advance(seconds)
        else:
            await asyncio.sleep(seconds)

    async def pass_lease(self) -> None:
        await self.pass_time(self.settings.lease_s + 0.05)


OpenStore = Callable[..., Any]  # with settings; awaits to a Store


def settings_with(**changed: float) -> StoreSettings:
    return StoreSettings.model_validate(
        {"lease_s": LEASE_S, "heartbeat_s": HEARTBEAT_S, "affinity_s": AFFINITY_S, **changed}
    )


@pytest.fixture(scope="session")
def valkey_process() -> Iterator[ValkeyServer]:
    server = ValkeyServer()
    server.start()
    yield server
    server.remove()


@pytest.fixture
def valkey(valkey_process: ValkeyServer) -> ValkeyServer:
    """Empty and running."""
    with valkey_process.client() as client:
        client.flushall()
    return valkey_process


@pytest.fixture(params=["memory", "redis"])
async def open_store(request: pytest.FixtureRequest) -> AsyncIterator[OpenStore]:
    """Opens the store with settings of the test's own."""
    async with AsyncExitStack() as stack:

        async def open_with(**changed: float) -> Store:
            settings = settings_with(**changed)
            if request.param == "memory":
                return Store(open_memory(settings), settings)
            url = request.getfixturevalue("valkey").url
            return Store(await stack.enter_async_context(open_redis(url, settings)), settings)

        yield open_with


@pytest.fixture
async def store(open_store: OpenStore) -> Store:
    opened = await open_store()
    assert isinstance(opened, Store)
    return opened


@pytest.fixture
def jobs(store: Store) -> Jobs:
    return store.jobs
