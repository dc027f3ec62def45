import asyncio

import pytest

from bot.custody import Custody
from jobs import JobId
from jobs.memory import MemoryJobs
from tests.bot.conftest import LEASE_S
from tests.bot.fakes import mention


@pytest.fixture
def custody(jobs: MemoryJobs) -> Custody:
    return Custody(holder="bot A", replies=jobs.replies)


async def accepted(jobs: MemoryJobs) -> JobId:
    submission = await jobs.queue_in.submit(mention().as_job(patience_s=600.0), holder="bot A")
    return submission.job.id


class Work:
    """A delivery that takes until it is told to end."""

    def __init__(self) -> None:
        self.ends = asyncio.Event()
        self.state = "new"

    async def __call__(self) -> None:
        self.state = "under way"
        try:
            await self.ends.wait()
            self.state = "done"
        except asyncio.CancelledError:
            self.state = "dropped"
            raise


async def test_what_is_renewed_in_time_stays_ours(custody: Custody, jobs: MemoryJobs) -> None:
    job, work = await accepted(jobs), Work()
    custody.take(job, work())
    await asyncio.sleep(0)
    for _ in range(4):
        jobs.clock.advance(LEASE_S * 0.7)
        await custody.renew()
    assert await jobs.replies.adopt(holder="bot B", platforms=["fake"]) == []
    assert work.state == "under way"
    await custody.close()


async def test_what_another_process_has_taken_is_dropped_and_nothing_else(custody: Custody, jobs: MemoryJobs) -> None:
    lost, kept = Work(), Work()
    custody.take(await accepted(jobs), lost())
    await asyncio.sleep(0)
    jobs.clock.advance(LEASE_S + 1)
    await jobs.replies.adopt(holder="bot B", platforms=["fake"])
    custody.take(await accepted(jobs), kept())
    await asyncio.sleep(0)
    await custody.renew()
    assert (lost.state, kept.state) == ("dropped", "under way")
    await custody.close()


async def test_a_delivery_of_a_question_that_the_store_has_lost_is_kept(custody: Custody, jobs: MemoryJobs) -> None:
    job, work = await accepted(jobs), Work()
    custody.take(job, work())
    await asyncio.sleep(0)
    jobs.queue_in._state.records.clear()
    await custody.renew()
    assert work.state == "under way"  # it is about to say so
    await custody.close()


async def test_one_delivery_is_seen_through_once(custody: Custody, jobs: MemoryJobs) -> None:
    job, first, second = await accepted(jobs), Work(), Work()
    custody.take(job, first())
    custody.take(job, second())
    await asyncio.sleep(0)
    assert (first.state, second.state) == ("under way", "new")
    first.ends.set()
    await custody.wait(job)
    assert first.state == "done"
    custody.take(job, second())
    await asyncio.sleep(0)
    assert second.state == "under way"
    await custody.close()
    assert second.state == "dropped"


async def test_waiting_for_what_is_not_held_is_over_at_once(custody: Custody, jobs: MemoryJobs) -> None:
    await asyncio.wait_for(custody.wait(await accepted(jobs)), timeout=1)
