"""What was forgotten leaves the disk: the append-only file is written anew."""

import asyncio

import pytest
from redis.asyncio import Redis
from redis.exceptions import BusyLoadingError
from structlog.testing import capture_logs

from jobs.errors import StoreUnavailable
from jobs.stores import Jobs
from tests.jobs.given import ask, conversation, question
from tests.jobs.redis.conftest import OpenRedis
from tests.jobs.valkey_server import ValkeyServer


def on_disk(server: ValkeyServer, word: bytes) -> bool:
    return any(word in file.read_bytes() for file in (server.folder / "appendonlydir").iterdir())


def rewritings(server: ValkeyServer) -> int:
    with server.client() as client:
        return int(client.info("persistence")["aof_rewrites"])


async def until_rewritten(server: ValkeyServer) -> None:
    async with asyncio.timeout(20):
        with server.client() as client:
            while client.info("persistence")["aof_rewrite_in_progress"]:
                await asyncio.sleep(0.05)


async def live(jobs: Jobs) -> None:
    where = conversation("t")
    await ask(jobs, question(where, text="s3cret question"))
    await jobs.pictures.put(where, b"s3cret picture")


async def test_what_was_forgotten_is_soon_nowhere_on_the_disk(mortal: ValkeyServer, open_on: OpenRedis) -> None:
    jobs: Jobs = await open_on(mortal)
    await live(jobs)
    await jobs.conversations.forget(conversation("t"))
    assert on_disk(mortal, b"s3cret")
    await jobs.reaper.reap()
    await until_rewritten(mortal)
    assert not on_disk(mortal, b"s3cret")


async def test_what_has_outlived_its_time_is_soon_nowhere_on_the_disk(mortal: ValkeyServer, open_on: OpenRedis) -> None:
    jobs: Jobs = await open_on(mortal, retention_s=0.2)
    await jobs.pictures.put(conversation(), b"s3cret picture")
    await asyncio.sleep(0.3)
    await jobs.reaper.reap()
    await until_rewritten(mortal)
    assert not on_disk(mortal, b"s3cret")


async def test_the_file_is_written_anew_once_in_a_while_and_not_for_nothing(
    mortal: ValkeyServer, open_on: OpenRedis
) -> None:
    jobs: Jobs = await open_on(mortal)
    await live(jobs)
    await jobs.reaper.reap()
    assert rewritings(mortal) == 0
    for _ in range(3):
        await live(jobs)
        await jobs.conversations.forget(conversation("t"))
        await jobs.reaper.reap()
        await until_rewritten(mortal)
    assert rewritings(mortal) == 1


async def test_the_wish_to_write_the_file_anew_outlives_a_server_that_is_away(
    mortal: ValkeyServer, open_on: OpenRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(_client: Redis) -> None:
        raise BusyLoadingError

    jobs: Jobs = await open_on(mortal)
    await live(jobs)
    await jobs.conversations.forget(conversation("t"))
    with monkeypatch.context() as patched:
        patched.setattr(Redis, "bgrewriteaof", away)
        patched.setattr("jobs.redis.server.time.monotonic", iter(range(0, 10_000, 100)).__next__)  # not ridden out
        with pytest.raises(StoreUnavailable):
            await jobs.reaper.reap()
    with mortal.client() as client:
        client.hset("threadsight:gauges", "rewritten", 0)  # ten minutes pass
    await jobs.reaper.reap()
    await until_rewritten(mortal)
    assert not on_disk(mortal, b"s3cret")


async def test_a_server_that_forbids_it_is_lived_with(mortal: ValkeyServer, open_on: OpenRedis) -> None:
    jobs: Jobs = await open_on(mortal)
    with mortal.client() as client:
        client.acl_setuser("default", commands=["-bgrewriteaof"], enabled=True, keep=True)
    await live(jobs)
    await jobs.conversations.forget(conversation("t"))
    with capture_logs() as logs:
        await jobs.reaper.reap()
    assert [entry["log_level"] for entry in logs] == ["warning"]
    assert rewritings(mortal) == 0
