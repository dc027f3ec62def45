"""A chat side over the store in memory, a platform and a worker that do what the test says."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import pytest

from bot.app import open_chat
from bot.responder import Responder
from bot.settings import BotSettings
from jobs.memory import MemoryJobs, open_memory
from jobs.settings import StoreSettings
from tests.bot.fakes import FakePlatform, FakeWorker
from tests.bot.site import Site, open_site

LEASE_S = 60.0  # of the store's clock, which only `advance` moves: no loop interferes with a test


@dataclass
class Chat:
    """One bot process."""

    responder: Responder
    platform: FakePlatform


OpenChat = Callable[..., AbstractAsyncContextManager[Chat]]


@pytest.fixture
def jobs() -> MemoryJobs:
    return open_memory(StoreSettings(lease_s=LEASE_S))


@pytest.fixture
def worker(jobs: MemoryJobs) -> FakeWorker:
    return FakeWorker(jobs)


@pytest.fixture
def platform() -> FakePlatform:
    return FakePlatform()


@pytest.fixture
def open_bot(jobs: MemoryJobs, platform: FakePlatform) -> OpenChat:
    """Starts a bot process; leaving the context is its death: nothing is closed in the ledger."""

    @asynccontextmanager
    async def start(**settings: object) -> AsyncIterator[Chat]:
        read = BotSettings.model_validate(settings)
        async with open_chat(read, jobs, frontends=[platform], lease_s=LEASE_S) as responder:
            yield Chat(responder, platform)

    return start


@pytest.fixture
async def chat(open_bot: OpenChat) -> AsyncIterator[Chat]:
    async with open_bot() as chat:
        yield chat


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with open_site() as site:
        yield site
