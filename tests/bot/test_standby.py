import asyncio
from contextlib import suppress

import pytest

from bot.responder import Responder
from bot.standby import run_under_lease
from jobs.errors import StoreUnavailable
from jobs.memory import MemoryJobs
from tests.bot.conftest import LEASE_S, Chat
from tests.bot.fakes import FakePlatform, eventually

QUICK_S = 0.03  # stands for the lease time in the loops' pace only


@pytest.fixture
def responder(chat: Chat) -> Responder:
    return chat.responder


def serve(platform: FakePlatform, responder: Responder, jobs: MemoryJobs, holder: str) -> "asyncio.Task[None]":
    return asyncio.create_task(run_under_lease(platform, responder, leases=jobs.leases, holder=holder, lease_s=QUICK_S))


async def stop(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_the_second_process_stands_by_until_the_first_lets_go(responder: Responder, jobs: MemoryJobs) -> None:
    ours, theirs = FakePlatform(), FakePlatform()
    first = serve(ours, responder, jobs, "bot A")
    await eventually(ours.running.is_set)
    second = serve(theirs, responder, jobs, "bot B")
    await asyncio.sleep(3 * QUICK_S)
    assert not theirs.running.is_set()
    await stop(first)
    assert not ours.running.is_set()
    await eventually(theirs.running.is_set)
    await stop(second)


async def test_a_process_that_was_killed_is_followed_when_its_lease_has_run_out(
    responder: Responder, jobs: MemoryJobs
) -> None:
    assert await jobs.leases.hold("frontend:fake", holder="killed")
    platform = FakePlatform()
    standing_by = serve(platform, responder, jobs, "bot B")
    await asyncio.sleep(3 * QUICK_S)
    assert not platform.running.is_set()
    jobs.clock.advance(LEASE_S + 1)
    await eventually(platform.running.is_set)
    await stop(standing_by)


async def test_a_process_that_lost_its_lease_stops_speaking(responder: Responder, jobs: MemoryJobs) -> None:
    platform = FakePlatform()
    frozen = serve(platform, responder, jobs, "bot A")
    await eventually(platform.running.is_set)
    await jobs.leases.release("frontend:fake", holder="bot A")
    assert await jobs.leases.hold("frontend:fake", holder="bot B")
    await eventually(lambda: not platform.running.is_set())
    await stop(frozen)
    assert not await jobs.leases.hold("frontend:fake", holder="bot C")


async def test_nobody_speaks_while_the_store_is_away(
    responder: Responder, jobs: MemoryJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object, **__: object) -> bool:
        raise StoreUnavailable(reason="no connection")

    platform = FakePlatform()
    with monkeypatch.context() as patched:
        patched.setattr(type(jobs.leases), "hold", away)
        serving = serve(platform, responder, jobs, "bot A")
        await asyncio.sleep(3 * QUICK_S)
        assert not platform.running.is_set()
    await eventually(platform.running.is_set)
    await stop(serving)


async def test_a_front_end_that_breaks_is_not_hidden(responder: Responder, jobs: MemoryJobs) -> None:
    class Broken(FakePlatform):
        async def run(self, _: Responder) -> None:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await serve(Broken(), responder, jobs, "bot A")
    assert await jobs.leases.hold("frontend:fake", holder="bot B")
