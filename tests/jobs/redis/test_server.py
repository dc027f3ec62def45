"""Redis goes away and comes back; two libraries on one server."""

import asyncio
import time

import pytest

from jobs import Delta, Done, Started
from jobs.errors import StoreUnavailable
from jobs.redis import open_redis
from jobs.stores import Jobs
from tests.jobs.conftest import settings_with
from tests.jobs.given import answer, answer_all, ask, claim_one, conversation, question
from tests.jobs.redis.conftest import OpenRedis
from tests.jobs.valkey_server import ValkeyServer


async def test_killing_redis_loses_nothing_that_was_acknowledged(mortal: ValkeyServer, open_on: OpenRedis) -> None:
    jobs = await open_on(mortal, lease_s=30)
    where = conversation()
    done, running = question(where, source="m1"), question(where, source="m2")
    await ask(jobs, done)
    await answer(jobs, await claim_one(jobs), "kept")
    await ask(jobs, running)
    claim = await claim_one(jobs)
    await jobs.queue_out.publish(claim, Delta(attempt=1, offset=0, text="half "))
    arriving = question(where, source="m3")
    await jobs.queue_in.submit(arriving, holder="bot")
    digest = await jobs.pictures.put(where, b"picture")
    await jobs.replies.record(holder="bot", job=arriving.id, posted=["p1"])

    for _ in range(2):
        mortal.kill()
        mortal.start()
        assert [turn.answer for turn in (await jobs.conversations.load(where)).turns] == ["kept"]
    assert await jobs.pictures.get("slack:T1", digest) == b"picture"
    await jobs.queue_out.commit(claim, Done(text="half a cat"))
    assert [event async for event in jobs.answers.follow(running.id)] == [
        Started(attempt=1),
        Delta(attempt=1, offset=0, text="half "),
        Done(text="half a cat"),
    ]
    await jobs.queue_in.attach(arriving.id, [])
    assert [job.source for job in await answer_all(jobs)] == ["m3"]


async def test_killing_redis_again_and_again_while_questions_are_asked_and_answered_loses_none(
    mortal: ValkeyServer, open_on: OpenRedis
) -> None:
    jobs = await open_on(mortal, lease_s=2)
    asked, answered = [], []
    stop = asyncio.Event()

    async def go_on_asking() -> None:
        while not stop.is_set():
            asked.append(await ask(jobs, question()))

    async def go_on_answering() -> None:
        while not stop.is_set():
            for claim in await jobs.queue_out.claim(worker="A", room=1, wait_s=0.05):
                await answer(jobs, claim)
                answered.append(claim.job.id)

    async def kill_again_and_again() -> None:
        for _ in range(5):
            await asyncio.sleep(0.1)
            await asyncio.to_thread(mortal.kill)
            await asyncio.to_thread(mortal.start)
        stop.set()

    await asyncio.gather(go_on_asking(), go_on_answering(), kill_again_and_again())
    answered += [job.id for job in await answer_all(jobs)]
    assert len(asked) > 20
    assert sorted(answered) == sorted(asked)  # each once: a repeated call had one effect


async def test_a_waiting_worker_waits_through_a_restart(mortal: ValkeyServer, open_on: OpenRedis) -> None:
    jobs = await open_on(mortal)
    waiting = asyncio.create_task(jobs.queue_out.claim(worker="A", room=1, wait_s=10))
    await asyncio.sleep(0.05)
    mortal.kill()
    mortal.start()
    asked = await ask(jobs, question())
    (claim,) = await asyncio.wait_for(waiting, 3)
    assert claim.job.id == asked


async def test_a_reader_reads_on_through_a_restart(mortal: ValkeyServer, open_on: OpenRedis) -> None:
    jobs = await open_on(mortal, lease_s=30)
    asked = await ask(jobs, question())
    claim = await claim_one(jobs)
    events = aiter(jobs.answers.follow(asked))
    assert await anext(events) == Started(attempt=1)
    next_event = asyncio.ensure_future(anext(events))
    await asyncio.sleep(0.05)
    mortal.kill()
    mortal.start()
    delta = Delta(attempt=1, offset=0, text="a cat")
    await jobs.queue_out.publish(claim, delta)
    assert await asyncio.wait_for(next_event, 3) == delta
    await answer(jobs, claim)
    assert [event async for event in events] == [Done(text="a cat")]


async def test_when_redis_stays_away_that_is_said_without_its_address_or_password(open_on: OpenRedis) -> None:
    server = ValkeyServer(password="swordfish")
    server.start()
    jobs: Jobs = await open_on(server, ride_out_s=0.3)
    server.remove()
    start = time.monotonic()
    with pytest.raises(StoreUnavailable) as told:
        await ask(jobs, question())
    assert 0.3 <= time.monotonic() - start < 2
    assert told.value.sentence == "Redis cannot be reached (no connection)."


async def test_a_password_is_needed_and_a_wrong_one_is_told_at_once() -> None:
    server = ValkeyServer(password="swordfish")
    server.start()
    try:
        async with open_redis(server.url, settings_with()) as jobs:
            await ask(jobs, question())
        start = time.monotonic()
        with pytest.raises(StoreUnavailable, match="another user name or password") as told:
            async with open_redis(server.url.replace("swordfish", "sardine"), settings_with()):
                pass
        assert time.monotonic() - start < 1
        assert "sardine" not in told.value.sentence
    finally:
        server.remove()


async def test_a_server_that_lost_the_functions_gets_them_again(valkey: ValkeyServer, jobs: Jobs) -> None:
    asked = await ask(jobs, question())
    with valkey.client() as client:
        client.function_flush()
    assert (await claim_one(jobs)).job.id == asked


async def test_two_versions_work_side_by_side(valkey: ValkeyServer, open_on: OpenRedis) -> None:
    older: Jobs = await open_on(valkey, max_waiting=5)
    newer: Jobs = await open_on(valkey, max_waiting=6)
    asked = await ask(older, question())
    await answer(newer, await claim_one(newer))
    assert [event async for event in older.answers.follow(asked)][-1] == Done(text="a cat")
