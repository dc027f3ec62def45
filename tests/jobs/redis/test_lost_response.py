"""A verb whose response is lost is called again: it has one effect."""

import asyncio
from collections.abc import Iterator

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from jobs import Cancelled, Delta, Done, Forgotten, Started
from jobs.redis.server import Server
from jobs.stores import Jobs
from tests.jobs.given import ask, claim_one, conversation, picture, question, turn_of


@pytest.fixture
def _every_response_is_lost_once(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    call = Server._call
    lost: set[int] = set()

    async def call_and_lose_the_first_response(self: Server, verb: str, *args: str | bytes | float) -> object:
        response = await call(self, verb, *args)
        if hash((verb, *args)) not in lost:
            lost.add(hash((verb, *args)))
            raise RedisConnectionError("the response is lost")
        return response

    with monkeypatch.context() as patched:
        patched.setattr(Server, "_call", call_and_lose_the_first_response)
        yield


@pytest.mark.usefixtures("_every_response_is_lost_once")
async def test_a_whole_life_with_every_response_lost_once_is_one_life(jobs: Jobs) -> None:
    where = conversation()
    asked = question(where)
    submission = await jobs.queue_in.submit(asked, holder="bot")
    assert not submission.joined  # whoever submits it delivers it
    digest = await jobs.pictures.put(where, b"picture")
    await jobs.queue_in.attach(asked.id, [picture(digest)])
    claim = await claim_one(jobs)
    assert claim.attempt == 1
    for offset, text in ((0, "a "), (2, "cat")):
        await jobs.queue_out.publish(claim, Delta(attempt=1, offset=offset, text=text))
    await jobs.queue_out.commit(claim, Done(text="a cat"), turn_of(claim.job, "a cat"))
    assert [event async for event in jobs.answers.follow(asked.id)] == [
        Started(attempt=1),
        Delta(attempt=1, offset=0, text="a "),
        Delta(attempt=1, offset=2, text="cat"),
        Done(text="a cat"),
    ]
    assert len((await jobs.conversations.load(where)).turns) == 1
    await jobs.replies.record(holder="bot", job=asked.id, posted=["p1"])
    await jobs.replies.close(holder="bot", job=asked.id)
    await jobs.conversations.forget(where)
    assert await jobs.conversations.forget(where) == Forgotten()


@pytest.mark.usefixtures("_every_response_is_lost_once")
async def test_a_claim_of_several_with_its_response_lost_gets_the_same_jobs(jobs: Jobs) -> None:
    asked = [await ask(jobs, question()) for _ in range(3)]
    claims = await jobs.queue_out.claim(worker="A", room=3)
    assert [claim.job.id for claim in claims] == asked
    assert {claim.attempt for claim in claims} == {1}


@pytest.mark.parametrize("stopped", [False, True])
async def test_what_was_given_to_a_call_that_is_cancelled_goes_back_at_once_unless_it_was_stopped(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch, *, stopped: bool
) -> None:
    asked = await ask(jobs, question())
    call = Server._call
    given = asyncio.Event()

    async def never_hear_of_it(self: Server, verb: str, *args: str | bytes | float) -> object:
        response = await call(self, verb, *args)
        if verb == "claim":
            given.set()
            await asyncio.Event().wait()
        return response

    with monkeypatch.context() as patched:
        patched.setattr(Server, "_call", never_hear_of_it)
        leaving = asyncio.create_task(jobs.queue_out.claim(worker="A", room=1))
        await given.wait()
        if stopped:
            await jobs.queue_in.end(asked, Cancelled(reason="stopped"))
        leaving.cancel()
        await asyncio.wait([leaving])
    claims = await jobs.queue_out.claim(worker="B", room=1)
    assert [(claim.job.id, claim.attempt) for claim in claims] == ([] if stopped else [(asked, 2)])


async def test_a_question_handed_to_a_waiting_worker_is_its_own_though_the_response_is_lost(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Server.read
    lost: list[object] = []

    async def lose_the_first_entry(self: Server, stream: str, *, after: str, block_s: float = 0.0) -> object:
        entries = await read(self, stream, after=after, block_s=block_s)
        if entries and not lost:
            lost.append(entries)
            return []
        return entries

    monkeypatch.setattr(Server, "read", lose_the_first_entry)
    waiting = asyncio.create_task(jobs.queue_out.claim(worker="A", room=1, wait_s=5))
    await asyncio.sleep(0.05)
    asked = await ask(jobs, question())
    (claim,) = await asyncio.wait_for(waiting, 1)
    assert lost
    assert (claim.job.id, claim.attempt) == (asked, 1)
