"""The store on Redis does what the one in memory does: whatever is done to both, both answer the same.

Drawn histories of submitting, answering, losing workers, stopping and forgetting, over few enough conversations and
sources that they meet. At the end both are drained, and what must hold of any history is checked.
"""

import asyncio
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack

from hypothesis import given, settings
from hypothesis import strategies as st

from jobs import Cancelled, Claim, ConversationId, Delta, Done, Ending, Job, JobId, digest_of
from jobs.errors import ThreadsightError
from jobs.memory import MemoryJobs, open_memory
from jobs.memory.state import State
from jobs.redis import open_redis
from jobs.stores import Jobs
from tests.jobs.conftest import settings_with
from tests.jobs.given import answer_anew, picture, turn_of
from tests.jobs.valkey_server import ValkeyServer

CONVERSATIONS = [
    ConversationId(platform="slack", tenant=tenant, channel="C1", thread=thread)
    for tenant, thread in (("T1", "a"), ("T1", "b"), ("T2", "a"))
]
SOURCES, ASKERS, WORKERS = ("m1", "m/2", "m:3"), ("ann", "bob"), ("A", "B")
INTAKES = ("no pictures", "no pictures", "pictures to come")

Step = tuple[object, ...]

where = st.integers(0, len(CONVERSATIONS) - 1)
source = st.sampled_from(SOURCES)
revision = st.sampled_from((0, 0, 0, 1, 2))
which = st.integers(0, 5)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("submit"), where, source, revision, st.sampled_from(ASKERS), st.sampled_from(INTAKES)),
        st.tuples(st.just("attach"), where, source, revision, which),
        st.tuples(st.just("stop"), where, source, revision),
        st.tuples(st.just("position"), where, source, revision),
        st.tuples(st.just("claim"), st.sampled_from(WORKERS), st.integers(1, 3)),
        st.tuples(st.just("publish"), which, st.integers(0, 3)),
        st.tuples(st.just("commit"), which),
        st.tuples(st.just("heartbeat"), st.sampled_from(WORKERS)),
        st.tuples(st.just("lose_workers")),
        st.tuples(st.just("renew")),
        st.tuples(st.just("close"), where, source, revision),
        st.tuples(st.just("put"), where, which),
        st.tuples(st.just("get"), where, which),
        st.tuples(st.just("load"), where),
        st.tuples(st.just("with_source"), where, source),
        st.tuples(st.just("forget"), where),
        st.tuples(st.just("drop_origin"), where, which),
        st.tuples(st.just("forget_source"), where, source),
        st.tuples(st.just("forget_asker"), where, st.sampled_from(ASKERS)),
    ),
    max_size=40,
)


class Twin(ABC):
    """One of the two stores, with every claim it ever gave."""

    def __init__(self, jobs: Jobs) -> None:
        self.jobs = jobs
        self.claims: list[Claim] = []
        self.accepted: dict[JobId, Job] = {}

    async def do(self, step: Step) -> object:
        """What somebody sees of this step: its result or its error."""
        name, *arguments = step
        try:
            return await getattr(self, f"{name}")(*arguments)
        except ThreadsightError as error:
            return error.code

    async def submit(self, at: int, source: str, revision: int, asker: str, intake: str) -> object:
        refs = tuple(picture("", origin=f"F{which}").ref for which in range(3))
        job = Job(
            conversation=CONVERSATIONS[at], source=source, revision=revision, asker=asker, text=source, references=refs
        )
        submission = await self.jobs.queue_in.submit(job, holder="bot", ready=intake == "no pictures")
        self.accepted.setdefault(submission.job.id, submission.job)
        return submission.job.id, submission.job.text, submission.joined

    async def attach(self, at: int, source: str, revision: int, which: int) -> None:
        shown = picture(digest_of(bytes([which])), origin=f"F{which}/1")
        await self.jobs.queue_in.attach(_job_id(at, source, revision), [shown], ["a notice"])

    async def stop(self, at: int, source: str, revision: int) -> object:
        return await self.jobs.queue_in.end(_job_id(at, source, revision), Cancelled(reason="stopped"))

    async def position(self, at: int, source: str, revision: int) -> object:
        position = await self.jobs.queue_in.position(_job_id(at, source, revision))
        return position and position.ahead

    async def claim(self, worker: str, room: int) -> object:
        given = await self.jobs.queue_out.claim(worker=worker, room=room)
        self.claims += given
        return [(claim.job.id, claim.attempt, claim.pictures, claim.notices) for claim in given]

    async def publish(self, which: int, offset: int) -> None:
        for claim in self._one_of_the_latest(which):
            delta = Delta(attempt=claim.attempt, offset=offset, text=f"{claim.attempt}!")
            await self.jobs.queue_out.publish(claim, delta)

    async def commit(self, which: int) -> None:
        for claim in self._one_of_the_latest(which):
            await answer_anew(self.jobs, claim, f"attempt {claim.attempt}")

    async def heartbeat(self, worker: str) -> object:
        pulse = await self.jobs.queue_out.heartbeat(worker=worker, claims=self.claims)
        return pulse.cancellations, pulse.fenced, [conversation for conversation, _ in pulse.forgotten]

    async def lose_workers(self) -> object:
        await self.end_leases()
        return await self.jobs.reaper.reap()

    async def renew(self) -> object:
        return await self.jobs.replies.renew(holder="bot", jobs=list(self.accepted))

    async def close(self, at: int, source: str, revision: int) -> None:
        await self.jobs.replies.close(holder="bot", job=_job_id(at, source, revision))

    async def put(self, at: int, which: int) -> object:
        return await self.jobs.pictures.put(CONVERSATIONS[at], bytes([which]))

    async def get(self, at: int, which: int) -> object:
        return await self.jobs.pictures.get(CONVERSATIONS[at].tenant_key, digest_of(bytes([which])))

    async def load(self, at: int) -> object:
        known = await self.jobs.conversations.load(CONVERSATIONS[at])
        return known.turns, known.withdrawn

    async def with_source(self, at: int, source: str) -> object:
        where = CONVERSATIONS[at]
        return await self.jobs.conversations.with_source(where.tenant_key, where.channel, source)

    async def drop_origin(self, at: int, which: int) -> None:
        await self.jobs.eraser.drop_origin(CONVERSATIONS[at], f"F{which}")

    async def forget(self, at: int) -> object:
        return await self.jobs.conversations.forget(CONVERSATIONS[at])

    async def forget_source(self, at: int, source: str) -> object:
        return await self.jobs.conversations.forget_source(CONVERSATIONS[at], source)

    async def forget_asker(self, at: int, asker: str) -> object:
        return await self.jobs.conversations.forget_asker(CONVERSATIONS[at].tenant_key, asker)

    @abstractmethod
    async def end_leases(self) -> None:
        """As if every worker had been silent for too long."""

    def _one_of_the_latest(self, which: int) -> list[Claim]:
        return [self.claims[-1 - which % len(self.claims)]] if self.claims else []

    async def drain(self) -> None:
        """Take in, claim and answer until nothing is left."""
        for job in self.accepted:
            await self.jobs.queue_in.attach(job, [])
        await self._answer_all()
        while await self.claim("A", 3):
            await self._answer_all()

    async def _answer_all(self) -> None:
        for which in range(len(self.claims)):
            await self.do(("commit", which))

    async def endings(self) -> dict[JobId, list[object]]:
        """The terminal events of every question that was ever accepted."""
        return {
            job: [event async for event in self.jobs.answers.follow(job) if isinstance(event, Ending)]
            for job in self.accepted
        }


class MemoryTwin(Twin):
    async def end_leases(self) -> None:
        assert isinstance(self.jobs, MemoryJobs)
        state: State = self.jobs.queue_in._state  # type: ignore[attr-defined]  # a look inside
        for record in state.records.values():
            record.leased_until_s = 0.0


class RedisTwin(Twin):
    def __init__(self, jobs: Jobs, server: ValkeyServer) -> None:
        super().__init__(jobs)
        self._server = server

    async def end_leases(self) -> None:
        with self._server.client() as client:
            for job in client.zrange("threadsight:running", 0, -1):
                client.zadd("threadsight:running", {job: 0})


def _job_id(at: int, source: str, revision: int) -> JobId:
    return JobId(tenant_key=CONVERSATIONS[at].tenant_key, source=source, revision=revision)


@settings(max_examples=120, deadline=None)
@given(steps=steps)
def test_whatever_is_done_to_both_stores_both_answer_the_same(valkey_process: ValkeyServer, steps: list[Step]) -> None:
    asyncio.run(_compare(valkey_process, steps))


async def _compare(server: ValkeyServer, steps: list[Step]) -> None:
    with server.client() as client:
        client.flushall()
    # Times are left out: no affinity, and leases end when a step says so.
    store_settings = settings_with(affinity_s=0, lease_s=60, max_attempts=2, max_waiting_per_tenant=4, max_waiting=6)
    async with AsyncExitStack() as stack:
        redis_jobs = await stack.enter_async_context(open_redis(server.url, store_settings))
        memory, redis = MemoryTwin(open_memory(store_settings)), RedisTwin(redis_jobs, server)
        for step in steps:
            assert await redis.do(step) == await memory.do(step), step
        for twin in (memory, redis):
            await twin.drain()
        _check_order(memory)
        _check_order(redis)
        assert await redis.endings() == await memory.endings()
        assert all(len(endings) == 1 for endings in (await redis.endings()).values())
        for at in range(len(CONVERSATIONS)):
            assert await redis.do(("load", at)) == await memory.do(("load", at))


def _check_order(twin: Twin) -> None:
    """First attempts of a conversation come in the order accepted."""
    started = [claim.job for claim in twin.claims if claim.attempt == 1]
    for conversation in CONVERSATIONS:
        times = [job.accepted_at_s for job in started if job.conversation == conversation]
        assert times == sorted(times)


def test_conversations_never_overlap_and_every_question_is_answered_once_under_load(valkey: ValkeyServer) -> None:
    asyncio.run(_run_crowd(valkey))


async def _run_crowd(server: ValkeyServer) -> None:
    """Four workers, one of which is lost again and again, and three askers at once."""
    under_way: set[ConversationId] = set()
    answered: Counter[JobId] = Counter()
    asked: list[JobId] = []

    async def work(jobs: Jobs, worker: str, *, loses: Iterator[bool]) -> None:
        while answered.total() < len(asked) or len(asked) < 90:
            for claim in await jobs.queue_out.claim(worker=worker, room=2, wait_s=0.05):
                if next(loses):
                    continue  # as if killed: the lease runs out
                assert claim.job.conversation not in under_way
                under_way.add(claim.job.conversation)
                await jobs.queue_out.publish(claim, Delta(attempt=claim.attempt, offset=0, text="a cat"))
                under_way.remove(claim.job.conversation)
                await jobs.queue_out.commit(claim, Done(text="a cat"), turn_of(claim.job, "a cat"))
                answered[claim.job.id] += 1
            await jobs.reaper.reap()

    async def ask(jobs: Jobs, asker: int) -> None:
        for number in range(30):
            job = Job(conversation=CONVERSATIONS[number % 3], source=f"{asker}/{number}")
            asked.append((await jobs.queue_in.submit(job, holder="bot", ready=True)).job.id)

    async with open_redis(server.url, settings_with(lease_s=0.3, affinity_s=0.1, max_attempts=100)) as jobs:
        await asyncio.gather(
            *(ask(jobs, asker) for asker in range(3)),
            *(work(jobs, name, loses=_every(None)) for name in ("A", "B", "C")),
            work(jobs, "D", loses=_every(3)),
        )
        assert answered == Counter(asked)
        for conversation in CONVERSATIONS:
            assert len((await jobs.conversations.load(conversation)).turns) == 30


def _every(nth: int | None) -> Iterator[bool]:
    """True every n-th time."""
    count = 0
    while True:
        count += 1
        yield nth is not None and count % nth == 0
