import pytest

from jobs import Delivery
from jobs.errors import DeliveryLost, Fenced
from jobs.stores import Jobs
from tests.jobs.conftest import Store
from tests.jobs.given import answer_all, ask, conversation, question


async def adopt(jobs: Jobs, holder: str = "standby", limit: int = 100) -> list[Delivery]:
    return await jobs.replies.adopt(holder=holder, platforms=["slack"], limit=limit)


async def test_a_delivery_is_its_submitters_for_one_lease_and_then_anybodys_once(store: Store) -> None:
    asked = question(reply_to="C1/17")
    submitted = (await store.jobs.queue_in.submit(asked, holder="bot", ready=True)).job
    assert await adopt(store.jobs) == []
    await store.pass_lease()
    assert await adopt(store.jobs) == [Delivery(job=submitted)]
    assert await adopt(store.jobs, "a third") == []


async def test_a_renewed_delivery_stays(store: Store) -> None:
    asked = await ask(store.jobs, question())
    for _ in range(3):
        await store.pass_time(store.settings.lease_s * 0.6)
        assert await store.jobs.replies.renew(holder="bot", jobs=[asked]) == ()
    assert await adopt(store.jobs) == []


async def test_an_adopted_delivery_says_what_was_posted_and_whether_its_pictures_are_in(store: Store) -> None:
    await ask(store.jobs, question())
    arriving = question()
    submitted = (await store.jobs.queue_in.submit(arriving, holder="bot")).job
    await store.jobs.replies.record(holder="bot", job=arriving.id, posted=["p1"])
    await store.jobs.replies.record(holder="bot", job=arriving.id, posted=["p1", "p2"])
    await store.pass_lease()
    by_job = {delivery.job.id: delivery for delivery in await adopt(store.jobs)}
    assert by_job.pop(arriving.id) == Delivery(job=submitted, taken_in=False, posted=("p1", "p2"))
    assert [delivery.taken_in for delivery in by_job.values()] == [True]


async def test_an_ended_question_is_still_owed_until_its_delivery_is_closed(store: Store) -> None:
    asked = await ask(store.jobs, question())
    await answer_all(store.jobs)
    await store.pass_lease()
    assert [delivery.job.id for delivery in await adopt(store.jobs)] == [asked]
    await store.jobs.replies.close(holder="standby", job=asked)
    await store.jobs.replies.close(holder="standby", job=asked)
    await store.pass_lease()
    assert await adopt(store.jobs) == []


async def test_a_newer_revision_takes_over_what_was_not_told_of_the_older_one(store: Store) -> None:
    where = conversation()
    old = await ask(store.jobs, question(where, source="m1"))
    await answer_all(store.jobs)
    new = await ask(store.jobs, question(where, source="m1", revision=1))
    assert await store.jobs.replies.renew(holder="bot", jobs=[old, new]) == (old,)
    with pytest.raises(DeliveryLost):
        await store.jobs.replies.record(holder="bot", job=old, posted=["p1"])
    await store.pass_lease()
    assert [delivery.job.id for delivery in await adopt(store.jobs)] == [new]


async def test_the_former_holder_can_record_and_close_nothing(store: Store) -> None:
    asked = await ask(store.jobs, question())
    await store.pass_lease()
    await adopt(store.jobs)
    assert await store.jobs.replies.renew(holder="bot", jobs=[asked]) == (asked,)
    with pytest.raises(DeliveryLost):
        await store.jobs.replies.record(holder="bot", job=asked, posted=["p1"])
    with pytest.raises(Fenced):
        await store.jobs.replies.close(holder="bot", job=asked)
    await store.pass_lease()
    assert [delivery.posted for delivery in await adopt(store.jobs, "third")] == [()]


async def test_only_deliveries_of_the_named_platforms_are_adopted_and_no_more_than_asked(store: Store) -> None:
    for _ in range(3):
        await ask(store.jobs, question())
    elsewhere = await ask(store.jobs, question(conversation(platform="discord")))
    await store.pass_lease()
    assert len(await adopt(store.jobs, limit=2)) == 2
    assert len(await adopt(store.jobs, limit=2)) == 1
    adopted = await store.jobs.replies.adopt(holder="standby", platforms=["shell", "discord"])
    assert [delivery.job.id for delivery in adopted] == [elsewhere]


async def test_a_lease_has_one_holder_at_a_time(store: Store) -> None:
    leases = store.jobs.leases
    assert await leases.hold("discord", holder="bot")
    assert not await leases.hold("discord", holder="standby")
    assert await leases.hold("slack", holder="standby")
    await store.pass_time(store.settings.lease_s * 0.6)
    assert await leases.hold("discord", holder="bot")
    await store.pass_time(store.settings.lease_s * 0.6)
    assert not await leases.hold("discord", holder="standby")
    await store.pass_lease()
    assert await leases.hold("discord", holder="standby")
    assert not await leases.hold("discord", holder="bot")


async def test_a_released_lease_is_free_at_once_and_only_its_holder_can_release_it(jobs: Jobs) -> None:
    await jobs.leases.hold("discord", holder="bot")
    await jobs.leases.release("discord", holder="standby")
    assert not await jobs.leases.hold("discord", holder="standby")
    await jobs.leases.release("discord", holder="bot")
    assert await jobs.leases.hold("discord", holder="standby")


async def test_a_delivery_that_nothing_is_known_of_is_nobody_elses(jobs: Jobs) -> None:
    lost = question().id  # Redis was emptied, or came back without its last writes
    assert await jobs.replies.renew(holder="bot", jobs=[lost]) == ()
    await jobs.replies.record(holder="bot", job=lost, posted=["p1"])
    await jobs.replies.close(holder="bot", job=lost)
    assert await adopt(jobs) == []
