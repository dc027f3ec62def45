"""What lies in the server: nothing for ever, nothing of what was forgotten, nothing that wedges the queue."""

import asyncio

import pytest
import redis

from jobs import Cancelled, Delta, Done, Failed
from jobs.answer import ANSWER_MAX_EVENTS
from jobs.redis.library import build_library
from jobs.stores import Jobs
from tests.jobs.conftest import settings_with
from tests.jobs.given import answer, answer_all, ask, claim_one, conversation, picture, question, turn_of
from tests.jobs.redis.conftest import OpenRedis
from tests.jobs.valkey_server import ValkeyServer

# Of the whole instance: bounded by what is under way, or a few numbers.
WITHOUT_EXPIRY = {
    "threadsight:fairness",
    "threadsight:gauges",
    "threadsight:idle",
    "threadsight:picture_sizes",
    "threadsight:pictures",
    "threadsight:retention",
}


def everything(client: redis.Redis) -> str:
    """Every key with its value, as text."""
    return "\n".join(f"{key!r} {value_of(client, key)!r}" for key in sorted(client.scan_iter(count=1000)))


def value_of(client: redis.Redis, key: bytes) -> object:
    match client.type(key):
        case b"hash":
            return client.hgetall(key)
        case b"list":
            return client.lrange(key, 0, -1)
        case b"set":
            return client.smembers(key)
        case b"zset":
            return client.zrange(key, 0, -1)
        case b"stream":
            return client.xrange(key)
    return client.get(key)


async def live_a_life(jobs: Jobs, secret: str) -> None:
    """Turns, pictures, an answer given again, one under way, one stopped, one waiting: all of one conversation."""
    where = conversation("t")
    asked = question(where, source="m1", text=secret, asker=secret)
    await jobs.queue_in.submit(asked, holder="bot")
    shown = picture(await jobs.pictures.put(where, secret.encode()), name=secret)
    await jobs.queue_in.attach(asked.id, [shown], [secret])
    claim = await claim_one(jobs)
    await jobs.queue_out.publish(claim, Delta(attempt=1, offset=0, text=secret))
    await jobs.queue_out.commit(claim, Done(text=secret), turn_of(claim.job, secret, pictures=[shown]))
    await ask(jobs, question(where, source="m1", revision=1, text=secret))
    await answer(jobs, await claim_one(jobs), secret)
    stopped = await ask(jobs, question(where, source="m2", text=secret))
    await jobs.queue_in.end(stopped, Cancelled(reason="stopped", text=secret))
    await ask(jobs, question(where, source="m3", text=secret, origins=[secret]))
    await jobs.eraser.drop_origin(where, secret)
    await ask(jobs, question(where, source="m4", text=secret))
    running = await claim_one(jobs)
    await jobs.queue_out.publish(running, Delta(attempt=1, offset=0, text=secret))


async def test_every_key_is_in_our_own_name(valkey: ValkeyServer, jobs: Jobs) -> None:
    await live_a_life(jobs, "secret")
    with valkey.client() as client:
        assert {key.partition(b":")[0] for key in client.scan_iter()} == {b"threadsight"}


async def test_of_a_forgotten_conversation_no_word_is_left_anywhere(valkey: ValkeyServer, jobs: Jobs) -> None:
    await live_a_life(jobs, "s3cret")
    with valkey.client() as client:
        assert "s3cret" in everything(client)
        await jobs.conversations.forget(conversation("t"))
        assert "s3cret" not in everything(client)


async def test_of_a_forgotten_person_no_word_is_left_anywhere(valkey: ValkeyServer, jobs: Jobs) -> None:
    where = conversation()
    await ask(jobs, question(where, text="s3cret", asker="s3cret ann"))
    await answer(jobs, await claim_one(jobs), "s3cret")
    await ask(jobs, question(where, text="public", asker="bob"))
    await answer(jobs, await claim_one(jobs), "public")
    await jobs.conversations.forget_asker("slack:T1", "s3cret ann")
    with valkey.client() as client:
        assert "s3cret" not in everything(client)
        assert "public" in everything(client)


async def test_of_a_turn_that_is_kept_no_longer_no_word_is_left_anywhere(
    valkey: ValkeyServer, open_on: OpenRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.redis.library.TURNS_KEPT", 1)
    jobs, where = await open_on(valkey), conversation()
    for words in ("s3cret", "public", "the latest"):
        asked = await ask(jobs, question(where, text=words))
        await answer(jobs, await claim_one(jobs), words)
        await jobs.replies.close(holder="bot", job=asked)
    await asyncio.sleep(0.45)  # what a worker was given is kept for a lease
    with valkey.client() as client:
        assert "s3cret" not in everything(client)
        assert "the latest" in everything(client)


async def test_what_was_forgotten_is_told_to_workers_no_longer_than_anything_is_kept(
    valkey: ValkeyServer, open_on: OpenRedis
) -> None:
    jobs: Jobs = await open_on(valkey, retention_s=0.4)
    for words in ("old", "not so old", "new"):
        await jobs.conversations.forget(conversation(words))
        await asyncio.sleep(0.3)
    with valkey.client() as client:
        told = [fields[b"conversation"].decode() for _, fields in client.xrange("threadsight:forgotten")]
    assert told == [str(conversation("not so old")), str(conversation("new"))]


async def test_words_told_late_are_kept_no_longer_than_others(valkey: ValkeyServer, open_on: OpenRedis) -> None:
    jobs: Jobs = await open_on(valkey, retention_s=60, remember_ids_s=60)
    asked = await ask(jobs, question())
    await answer(jobs, await claim_one(jobs))
    with valkey.client() as client:
        client.pexpire(f"threadsight:words:{asked}", 5_000)  # of its time most has passed
        await jobs.replies.close(holder="bot", job=asked)
        assert client.pttl(f"threadsight:words:{asked}") <= 5_000


async def test_nothing_outlives_its_time(valkey: ValkeyServer, open_on: OpenRedis) -> None:
    jobs: Jobs = await open_on(valkey, retention_s=0.3, remember_ids_s=0.3, lease_s=0.2, max_attempts=1)
    await live_a_life(jobs, "secret")
    await jobs.conversations.forget(conversation("another"))
    await asyncio.sleep(0.25)
    await jobs.reaper.reap()  # the worker is lost, and its question given up
    await answer_all(jobs)
    await jobs.replies.adopt(holder="bot", platforms=["slack"])
    await asyncio.sleep(0.5)
    await jobs.reaper.reap()
    assert await jobs.replies.adopt(holder="bot", platforms=["slack"]) == []
    with valkey.client() as client:
        left = {key.decode() for key in client.scan_iter()}
        # That something was forgotten, and when, is known for longer: else it would be read again from the platform.
        marks = {"threadsight:forgotten_at:slack:T1"}
        assert left <= {"threadsight:fairness", "threadsight:gauges", "threadsight:forgotten"} | marks
        assert client.hget("threadsight:gauges", "picture_bytes") == b"0"


async def test_of_a_tenant_that_waits_for_nothing_no_turn_is_kept(valkey: ValkeyServer, jobs: Jobs) -> None:
    await ask(jobs, question(conversation(tenant="answered")))
    await answer_all(jobs)
    await jobs.queue_in.end(await ask(jobs, question(conversation(tenant="stopped"))), Cancelled(reason="stopped"))
    with valkey.client() as client:
        assert client.hkeys("threadsight:fairness") == [b"*"]


async def test_redis_drops_by_itself_what_nobody_sweeps(valkey: ValkeyServer, jobs: Jobs) -> None:
    await live_a_life(jobs, "secret")
    await answer_all(jobs)
    await asyncio.sleep(0.45)
    await jobs.reaper.reap()
    await answer_all(jobs)
    for delivery in await jobs.replies.adopt(holder="bot", platforms=["slack"]):
        await jobs.replies.close(holder="bot", job=delivery.job.id)
    with valkey.client() as client:
        for_ever = {key.decode() for key in client.scan_iter() if client.ttl(key) == -1}
    assert for_ever <= WITHOUT_EXPIRY


async def test_the_ending_is_known_for_longer_than_the_answer_is(valkey: ValkeyServer, jobs: Jobs) -> None:
    asked = await ask(jobs, question())
    await answer(jobs, await claim_one(jobs))
    with valkey.client() as client:
        assert 3_500 < client.ttl(f"threadsight:answers:{asked}") <= 3_600
        client.delete(f"threadsight:answers:{asked}")
    assert [event async for event in jobs.answers.follow(asked)] == [Done(text="a cat")]


async def test_an_answer_under_way_never_expires(valkey: ValkeyServer, jobs: Jobs) -> None:
    asked = await ask(jobs, question())
    claim = await claim_one(jobs)
    await jobs.queue_out.publish(claim, Delta(attempt=1, offset=0, text="a"))
    with valkey.client() as client:
        assert client.ttl(f"threadsight:answers:{asked}") == -1


async def test_a_runaway_answer_fills_no_memory_and_still_ends(
    valkey: ValkeyServer, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = await ask(jobs, question())
    claim = await claim_one(jobs)
    with valkey.client() as client, client.pipeline(transaction=False) as pipeline:
        for _ in range(ANSWER_MAX_EVENTS):
            pipeline.xadd(
                f"threadsight:answers:{asked}", {"event": '{"type":"delta","attempt":1,"offset":0,"text":""}'}
            )
        pipeline.execute()
        before = client.xlen(f"threadsight:answers:{asked}")
        await jobs.queue_out.publish(claim, Delta(attempt=1, offset=0, text="more"))
        assert client.xlen(f"threadsight:answers:{asked}") == before
        await answer(jobs, claim)
        assert client.xlen(f"threadsight:answers:{asked}") == before + 1


async def test_a_waiting_worker_writes_nothing_while_it_waits(valkey: ValkeyServer, open_on: OpenRedis) -> None:
    jobs: Jobs = await open_on(valkey, lease_s=30)
    waiting = asyncio.create_task(jobs.queue_out.claim(worker="A", room=1, wait_s=5))
    await asyncio.sleep(0.1)
    with valkey.client() as client:
        before = client.info("persistence")["aof_current_size"]
        await asyncio.sleep(0.4)
        assert client.info("persistence")["aof_current_size"] == before
    await ask(jobs, question())
    await waiting


async def test_a_reaper_with_nothing_to_do_writes_nothing(valkey: ValkeyServer, jobs: Jobs) -> None:
    await ask(jobs, question())
    with valkey.client() as client:
        before = client.info("persistence")["aof_current_size"]
        assert await jobs.reaper.reap() == 0
        assert client.info("persistence")["aof_current_size"] == before


async def test_a_question_that_cannot_be_read_ends_and_holds_up_nobody(valkey: ValkeyServer, jobs: Jobs) -> None:
    where = conversation()
    broken = await ask(jobs, question(where))
    await ask(jobs, question(where, source="behind it"))
    await ask(jobs, question(source="beside it"))
    with valkey.client() as client:
        client.hset(f"threadsight:words:{broken}", "job", "{not json")
    first = await jobs.queue_out.claim(worker="A", room=2)
    assert [claim.job.source for claim in first] == ["beside it"]
    ending = [event async for event in jobs.answers.follow(broken)][-1]
    assert isinstance(ending, Failed)
    assert ending.code == "question_unreadable"
    assert (await claim_one(jobs)).job.source == "behind it"


async def test_a_turn_that_cannot_be_read_is_left_out(valkey: ValkeyServer, jobs: Jobs) -> None:
    where = conversation()
    for source in ("m1", "m2"):
        await ask(jobs, question(where, source=source))
        await answer(jobs, await claim_one(jobs))
    with valkey.client() as client:
        client.hset(f"threadsight:turns:{where}", "m1", "{}")
    assert [turn.source for turn in (await jobs.conversations.load(where)).turns] == ["m2"]


async def test_a_dropped_picture_that_cannot_be_read_is_left_out(valkey: ValkeyServer, jobs: Jobs) -> None:
    where = conversation()
    asked = await ask(jobs, question(where, source="m1"))
    await answer(jobs, await claim_one(jobs))
    with valkey.client() as client:
        client.hset(f"threadsight:dropped:{where}", "m1 1", "{}")
    loaded = await jobs.conversations.load(where)
    assert ([turn.source for turn in loaded.turns], loaded.dropped) == ([asked.source], ())


async def test_a_question_whose_conversation_is_gone_is_still_answered(valkey: ValkeyServer, jobs: Jobs) -> None:
    asked = question()
    await ask(jobs, asked)
    with valkey.client() as client:
        client.delete(f"threadsight:conversation:{asked.conversation}")
    await answer(jobs, await claim_one(jobs))
    assert len((await jobs.conversations.load(asked.conversation)).turns) == 1


async def test_a_delivery_that_cannot_be_read_is_given_up(valkey: ValkeyServer, jobs: Jobs) -> None:
    broken, sound = await ask(jobs, question()), await ask(jobs, question())
    with valkey.client() as client:
        client.hset(f"threadsight:words:{broken}", "job", "{not json")
    await asyncio.sleep(0.45)
    adopted = await jobs.replies.adopt(holder="standby", platforms=["slack"])
    assert [delivery.job.id for delivery in adopted] == [sound]
    await asyncio.sleep(0.45)
    adopted = await jobs.replies.adopt(holder="third", platforms=["slack"])
    assert [delivery.job.id for delivery in adopted] == [sound]


async def test_at_its_memory_limit_redis_refuses_questions_and_still_answers_them(
    valkey: ValkeyServer, jobs: Jobs
) -> None:
    asked = question()
    await jobs.queue_in.submit(asked, holder="bot")
    with valkey.client() as client:
        client.config_set("maxmemory", 1)
        try:
            with pytest.raises(Exception, match="its memory is full"):
                await ask(jobs, question())
            await jobs.queue_in.attach(asked.id, [])
            claim = await claim_one(jobs)
            await jobs.queue_out.publish(claim, Delta(attempt=1, offset=0, text="a"))
            await answer(jobs, claim)
            assert len((await jobs.conversations.load(claim.job.conversation)).turns) == 1
            assert (await jobs.conversations.forget(claim.job.conversation)).turns == 1
        finally:
            client.config_set("maxmemory", 0)


def test_the_librarys_name_changes_with_its_source_and_settings() -> None:
    assert build_library(settings_with()).prefix == build_library(settings_with()).prefix
    assert build_library(settings_with()).prefix != build_library(settings_with(lease_s=1)).prefix


async def test_loading_an_unknown_conversation_leaves_nothing(valkey: ValkeyServer, jobs: Jobs) -> None:
    stranger = conversation()
    before = await jobs.conversations.load(stranger)
    with valkey.client() as client:
        assert list(client.scan_iter()) == []
    await ask(jobs, question(stranger))
    assert (await jobs.conversations.load(stranger)).epoch > before.epoch
