import asyncio

from jobs import Health
from tests.jobs.conftest import Store
from tests.jobs.given import answer, ask, claim_one, question


async def test_it_counts_what_waits_and_what_runs(store: Store) -> None:
    assert await store.jobs.monitor.health() == Health()
    await ask(store.jobs, question())
    await ask(store.jobs, question())
    assert await store.jobs.monitor.health() == Health(waiting=2)
    claim = await claim_one(store.jobs)
    assert await store.jobs.monitor.health() == Health(waiting=1, running=1, has_worker=True)
    await answer(store.jobs, claim)
    health = await store.jobs.monitor.health()
    assert (health.waiting, health.running) == (1, 0)
    assert health.mean_run_s is not None


async def test_a_worker_that_waits_for_work_is_seen(store: Store) -> None:
    waiting = asyncio.create_task(store.jobs.queue_out.claim(worker="w", room=1, wait_s=5.0))
    pulse = asyncio.create_task(store.jobs.queue_out.heartbeat(worker="w", claims=[]))
    await pulse
    await asyncio.sleep(0.05)
    assert (await store.jobs.monitor.health()).has_worker
    waiting.cancel()


async def test_a_worker_between_two_claims_is_seen_until_it_was_silent_for_a_lease(store: Store) -> None:
    assert await store.jobs.queue_out.claim(worker="w", room=1, wait_s=0.01) == []
    await store.jobs.queue_out.heartbeat(worker="w", claims=[])
    assert (await store.jobs.monitor.health()).has_worker
    await store.pass_lease()
    assert not (await store.jobs.monitor.health()).has_worker
