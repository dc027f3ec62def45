import asyncio

import pytest

from jobs import (
    Cancellation,
    Cancelled,
    Delta,
    Done,
    Failed,
    JobId,
    Position,
)
from jobs.errors import Fenced, NotTheLastTurn, QueueFull, TenantQueueFull
from jobs.stores import Jobs
from tests.jobs.conftest import AFFINITY_S, OpenStore, Store
from tests.jobs.given import answer, answer_all, ask, claim_one, conversation, picture, question, turn_of


async def ending_of(jobs: Jobs, job: JobId) -> object:
    return [event async for event in jobs.answers.follow(job)][-1]


# ------------------------------------------------------------ submit and attach


async def test_a_claim_brings_the_question_its_pictures_and_the_verdicts(jobs: Jobs) -> None:
    asked = question(text="read it", reply_to="C1/17")
    submission = await jobs.queue_in.submit(asked, holder="bot")
    await jobs.queue_in.attach(asked.id, [picture("d1")], ["clip.mp4 skipped: too large."])
    claim = await claim_one(jobs)
    assert claim.job == submission.job
    assert (claim.job.text, claim.job.reply_to) == ("read it", "C1/17")
    assert claim.job.accepted_at_s > 0
    assert claim.pictures == (picture("d1"),)
    assert claim.notices == ("clip.mp4 skipped: too large.",)
    assert claim.attempt == 1


async def test_a_question_waits_until_its_pictures_are_attached(jobs: Jobs) -> None:
    asked = question()
    await jobs.queue_in.submit(asked, holder="bot")
    assert await jobs.queue_out.claim(worker="A", room=1) == []
    await jobs.queue_in.attach(asked.id, [])
    assert (await claim_one(jobs)).job.id == asked.id


async def test_the_first_attach_stands(jobs: Jobs) -> None:
    asked = question()
    await jobs.queue_in.submit(asked, holder="bot")
    await jobs.queue_in.attach(asked.id, [picture("first")])
    await jobs.queue_in.attach(asked.id, [picture("second")])
    assert [shown.digest for shown in (await claim_one(jobs)).pictures] == ["first"]
    await jobs.queue_in.attach(asked.id, [picture("third")])
    assert await jobs.queue_out.claim(worker="B", room=1) == []


async def test_a_retried_event_joins_the_first_and_is_answered_once(jobs: Jobs) -> None:
    asked = question()
    first = await jobs.queue_in.submit(asked, holder="bot", ready=True)
    again = await jobs.queue_in.submit(asked, holder="another bot", ready=True)
    assert (first.joined, again.joined) == (False, True)
    assert again.job == first.job
    assert len(await answer_all(jobs)) == 1
    assert (await jobs.queue_in.submit(asked, holder="bot", ready=True)).joined
    assert await answer_all(jobs) == []


async def test_an_id_is_remembered_after_the_end_for_its_time_only(open_store: OpenStore) -> None:
    store = await open_store(remember_ids_s=0.5)
    asked = question()
    await ask(store.jobs, asked)
    await answer_all(store.jobs)
    await store.jobs.replies.close(holder="bot", job=asked.id)
    assert (await store.jobs.queue_in.submit(asked, holder="bot", ready=True)).joined
    await store.pass_time(0.6)
    assert not (await store.jobs.queue_in.submit(asked, holder="bot", ready=True)).joined
    assert len(await answer_all(store.jobs)) == 1


async def test_the_same_ids_in_two_tenants_are_two_questions(jobs: Jobs) -> None:
    here = question(conversation("t", tenant="T1"), source="m1")
    there = question(conversation("t", tenant="T2"), source="m1")
    await ask(jobs, here)
    assert not (await jobs.queue_in.submit(there, holder="bot", ready=True)).joined
    assert {job.id for job in await answer_all(jobs)} == {here.id, there.id}


# ------------------------------------------------------------ revisions


async def test_a_newer_revision_ends_the_waiting_older_one_and_takes_its_place(jobs: Jobs) -> None:
    where = conversation()
    await ask(jobs, question(where, source="m1", text="whot?"))
    await ask(jobs, question(where, source="m1", revision=1, text="what?"))
    assert await ending_of(jobs, question(where, source="m1").id) == Cancelled(reason="superseded")
    assert [job.text for job in await answer_all(jobs)] == ["what?"]


async def test_a_newer_revision_asks_the_running_older_one_to_end_and_starts_after_it(jobs: Jobs) -> None:
    where = conversation()
    await ask(jobs, question(where, source="m1"))
    running = await claim_one(jobs)
    await ask(jobs, question(where, source="m1", revision=1))
    assert await jobs.queue_out.claim(worker="B", room=1) == []
    pulse = await jobs.queue_out.heartbeat(worker="A", claims=[running])
    assert pulse.cancellations == (Cancellation(job=running.job.id, reason="superseded"),)
    await jobs.queue_out.commit(running, Cancelled(reason="superseded", text="a c"))
    assert (await claim_one(jobs, "A")).job.revision == 1


async def test_an_answer_that_comes_after_a_newer_revision_is_told_to_nobody(jobs: Jobs) -> None:
    where = conversation()
    asked = await ask(jobs, question(where, source="m1"))
    running = await claim_one(jobs)
    await ask(jobs, question(where, source="m1", revision=1))
    await answer(jobs, running, "one")  # its worker has not heard of it
    assert await ending_of(jobs, asked) == Cancelled(reason="superseded")
    assert [turn.answer for turn in (await jobs.conversations.load(where)).turns] == ["one"]


async def test_a_newer_revision_speaks_in_the_place_of_one_that_was_stopped_while_it_ran(jobs: Jobs) -> None:
    where = conversation()
    asked = await ask(jobs, question(where, source="m1"))
    running = await claim_one(jobs)
    await jobs.queue_in.end(asked, Cancelled(reason="stopped"))
    await ask(jobs, question(where, source="m1", revision=1))
    await jobs.queue_out.commit(running, Cancelled(reason="stopped", text="a c"))
    assert await ending_of(jobs, asked) == Cancelled(reason="superseded")


async def test_a_new_answer_replaces_the_turn_of_its_source_in_place(jobs: Jobs) -> None:
    where = conversation()
    await ask(jobs, question(where, source="m1"))
    await answer(jobs, await claim_one(jobs), "one")
    await ask(jobs, question(where, source="m2"))
    await answer(jobs, await claim_one(jobs), "two")
    await ask(jobs, question(where, source="m2", revision=1))
    await answer(jobs, await claim_one(jobs), "two again")
    turns = (await jobs.conversations.load(where)).turns
    assert [(turn.source, turn.revision, turn.answer) for turn in turns] == [("m1", 0, "one"), ("m2", 1, "two again")]


async def test_only_the_last_question_can_be_answered_again(jobs: Jobs) -> None:
    where = conversation()
    await ask(jobs, question(where, source="m1"))
    await ask(jobs, question(where, source="m2"))
    with pytest.raises(NotTheLastTurn):
        await ask(jobs, question(where, source="m1", revision=1))
    with pytest.raises(NotTheLastTurn):
        await ask(jobs, question(conversation(), source="never asked", revision=1))
    await answer_all(jobs)
    await ask(jobs, question(where, source="m2", revision=1))


async def test_a_lower_revision_than_the_newest_joins_the_newest(jobs: Jobs) -> None:
    where = conversation()
    await ask(jobs, question(where, source="m1"))
    await ask(jobs, question(where, source="m1", revision=2, text="newest"))
    late = await jobs.queue_in.submit(question(where, source="m1", revision=1, text="late"), holder="bot", ready=True)
    assert (late.joined, late.job.revision, late.job.text) == (True, 2, "newest")
    assert [job.text for job in await answer_all(jobs)] == ["newest"]


# ------------------------------------------------------------ bounds


async def test_a_full_queue_refuses_at_once_and_accepts_again_when_one_is_taken(open_store: OpenStore) -> None:
    jobs = (await open_store(max_waiting=2)).jobs
    await ask(jobs, question())
    await ask(jobs, question(conversation(tenant="T2")))
    refused = question()
    with pytest.raises(QueueFull, match="2 questions are waiting"):
        await ask(jobs, refused)
    assert await jobs.queue_in.position(refused.id) is None
    await claim_one(jobs)
    assert await ask(jobs, refused) == refused.id


async def test_one_tenant_cannot_fill_the_queue_of_the_others(open_store: OpenStore) -> None:
    jobs = (await open_store(max_waiting_per_tenant=2)).jobs
    await ask(jobs, question())
    await ask(jobs, question())
    with pytest.raises(TenantQueueFull):
        await ask(jobs, question())
    await ask(jobs, question(conversation(tenant="T2")))


async def test_a_revision_of_a_waiting_question_needs_no_room_of_its_own(open_store: OpenStore) -> None:
    jobs = (await open_store(max_waiting=1)).jobs
    where = conversation()
    await ask(jobs, question(where, source="m1"))
    await ask(jobs, question(where, source="m1", revision=1))
    with pytest.raises(QueueFull):
        await ask(jobs, question())


async def test_every_way_out_of_waiting_makes_room(open_store: OpenStore) -> None:
    store = await open_store(max_waiting=1, max_attempts=2)
    jobs = store.jobs
    stopped = await ask(jobs, question())
    await jobs.queue_in.end(stopped, Cancelled(reason="stopped"))
    overdue = await ask(jobs, question(patience_s=0.05))
    await store.pass_time(0.1)
    await jobs.reaper.reap()
    assert await jobs.queue_in.position(overdue) is None
    where = conversation()
    await ask(jobs, question(where))
    await jobs.conversations.forget(where)
    rerun = await ask(jobs, question())
    await claim_one(jobs)
    await store.pass_lease()
    await jobs.reaper.reap()
    with pytest.raises(QueueFull):  # a question taken back from its worker waits once more
        await ask(jobs, question())
    assert [job.id for job in await answer_all(jobs)] == [rerun]
    await ask(jobs, question())


# ------------------------------------------------------------ order


async def test_answers_come_in_the_order_submitted_whatever_the_pictures_take(jobs: Jobs) -> None:
    where = conversation()
    asked = [question(where, source=f"m{number}") for number in range(3)]
    for job in asked:
        await jobs.queue_in.submit(job, holder="bot")
    for job in reversed(asked):
        assert await jobs.queue_out.claim(worker="A", room=1) == []
        await jobs.queue_in.attach(job.id, [])
    assert [job.source for job in await answer_all(jobs)] == ["m0", "m1", "m2"]


async def test_one_conversation_is_never_answered_twice_at_the_same_time(jobs: Jobs) -> None:
    busy, other = conversation(), conversation()
    for source in ("m1", "m2", "m3"):
        await ask(jobs, question(busy, source=source))
    await ask(jobs, question(other, source="o1"))
    claims = await jobs.queue_out.claim(worker="A", room=10)
    assert [claim.job.source for claim in claims] == ["m1", "o1"]
    assert await jobs.queue_out.claim(worker="B", room=10) == []
    await answer(jobs, claims[0])
    assert (await claim_one(jobs)).job.source == "m2"


async def test_a_claim_takes_no_more_than_there_is_room_for(jobs: Jobs) -> None:
    for _ in range(5):
        await ask(jobs, question())
    assert len(await jobs.queue_out.claim(worker="A", room=3)) == 3
    assert len(await jobs.queue_out.claim(worker="A", room=3)) == 2
    assert await jobs.queue_out.claim(worker="A", room=0) == []


async def test_a_busy_tenant_starves_nobody(jobs: Jobs) -> None:
    for _ in range(6):
        await ask(jobs, question(conversation(tenant="busy")))
    for _ in range(3):
        await ask(jobs, question(conversation(tenant="quiet")))
    tenants = [job.conversation.tenant for job in await answer_all(jobs)]
    assert [tenants[i : i + 2].count("quiet") for i in (0, 2, 4)] == [1, 1, 1]
    assert tenants[6:] == ["busy"] * 3


async def test_a_tenant_cannot_save_up_turns_while_it_asks_nothing(jobs: Jobs) -> None:
    for _ in range(8):
        await ask(jobs, question(conversation(tenant="steady")))
    await answer_all(jobs)
    for _ in range(4):
        await ask(jobs, question(conversation(tenant="steady")))
        await ask(jobs, question(conversation(tenant="returning")))
    tenants = [job.conversation.tenant for job in await answer_all(jobs)]
    assert [tenants[i : i + 2].count("steady") for i in (0, 2, 4, 6)] == [1, 1, 1, 1]


@pytest.mark.parametrize("left", [0, 1])
async def test_questions_that_nobody_answered_cost_their_tenant_no_turn(jobs: Jobs, left: int) -> None:
    asked = [await ask(jobs, question(conversation(tenant="unlucky"))) for _ in range(8)]
    for unanswered in asked[: 8 - left]:
        await jobs.queue_in.end(unanswered, Cancelled(reason="stopped"))
    for _ in range(4):
        await ask(jobs, question(conversation(tenant="unlucky")))
        await ask(jobs, question(conversation(tenant="other")))
    tenants = [job.conversation.tenant for job in await answer_all(jobs)]
    assert "unlucky" in tenants[:3]


async def test_a_tenant_that_stops_its_waiting_questions_has_had_the_turns_that_began(jobs: Jobs) -> None:
    asked = [await ask(jobs, question(conversation(tenant="hasty"))) for _ in range(6)]
    for _ in range(4):
        await ask(jobs, question(conversation(tenant="other")))
    begun = await jobs.queue_out.claim(worker="A", room=4)
    for waiting in asked:
        if waiting not in {claim.job.id for claim in begun}:
            await jobs.queue_in.end(waiting, Cancelled(reason="stopped"))
    for _ in range(4):
        await ask(jobs, question(conversation(tenant="hasty")))
    tenants = [job.conversation.tenant for job in await answer_all(jobs)]
    assert [tenants[i : i + 2].count("other") for i in (0, 2, 4)] == [1, 1, 0]


# ------------------------------------------------------------ waiting for work


async def test_a_waiting_worker_is_woken_by_a_question(jobs: Jobs) -> None:
    waiting = asyncio.create_task(jobs.queue_out.claim(worker="A", room=1, wait_s=5))
    await asyncio.sleep(0.05)
    asked = await ask(jobs, question())
    (claim,) = await asyncio.wait_for(waiting, 1)
    assert claim.job.id == asked


async def test_a_waiting_worker_is_woken_by_attached_pictures(jobs: Jobs) -> None:
    asked = question()
    await jobs.queue_in.submit(asked, holder="bot")
    waiting = asyncio.create_task(jobs.queue_out.claim(worker="A", room=1, wait_s=5))
    await asyncio.sleep(0.05)
    await jobs.queue_in.attach(asked.id, [])
    assert len(await asyncio.wait_for(waiting, 1)) == 1


async def test_a_waiting_worker_is_woken_when_the_question_before_ends(jobs: Jobs) -> None:
    where = conversation()
    await ask(jobs, question(where))
    running = await claim_one(jobs, "A")
    await ask(jobs, question(where, source="next"))
    waiting = asyncio.create_task(jobs.queue_out.claim(worker="A", room=1, wait_s=5))
    await asyncio.sleep(0.05)
    await answer(jobs, running)
    (claim,) = await asyncio.wait_for(waiting, 1)
    assert claim.job.source == "next"


async def test_a_waiting_worker_gets_no_more_than_one_question(jobs: Jobs) -> None:
    waiting = asyncio.create_task(jobs.queue_out.claim(worker="A", room=1, wait_s=5))
    await asyncio.sleep(0.05)
    asked = await asyncio.gather(*(ask(jobs, question()) for _ in range(3)))
    claims = await asyncio.wait_for(waiting, 1)
    claims += await jobs.queue_out.claim(worker="B", room=3)
    assert sorted(claim.job.id for claim in claims) == sorted(asked)


async def test_a_worker_waits_no_longer_than_it_said(jobs: Jobs) -> None:
    assert await asyncio.wait_for(jobs.queue_out.claim(worker="A", room=1, wait_s=0.1), 1) == []


async def test_a_worker_that_stops_waiting_keeps_no_question_from_the_others(jobs: Jobs) -> None:
    leaving = asyncio.create_task(jobs.queue_out.claim(worker="A", room=1, wait_s=5))
    await asyncio.sleep(0.05)
    leaving.cancel()
    await asyncio.wait([leaving])
    asked = await ask(jobs, question())
    assert (await claim_one(jobs, "B")).job.id == asked


async def test_a_worker_that_stops_while_it_is_given_a_question_gives_it_back_at_once(jobs: Jobs) -> None:
    leaving = asyncio.create_task(jobs.queue_out.claim(worker="A", room=1, wait_s=5))
    await asyncio.sleep(0.05)
    submitting = asyncio.create_task(ask(jobs, question()))
    await asyncio.sleep(0)  # under way, or already there
    leaving.cancel()
    await asyncio.wait([leaving])
    asked = await submitting
    given = leaving.result() if not leaving.cancelled() else []
    claims = given or await asyncio.wait_for(jobs.queue_out.claim(worker="B", room=1, wait_s=0.2), 1)
    assert [claim.job.id for claim in claims] == [asked]


# ------------------------------------------------------------ affinity


async def follow_up(jobs: Jobs, *, conversations: int = 1) -> None:
    """Conversations that worker A has answered in, and the next question of each."""
    known = [conversation() for _ in range(conversations)]
    for where in known:
        await ask(jobs, question(where))
    for claim in await jobs.queue_out.claim(worker="A", room=conversations):
        await answer(jobs, claim)
    for where in known:
        await ask(jobs, question(where, source="follow-up"))


async def test_a_follow_up_is_left_to_the_worker_that_holds_the_cache(jobs: Jobs) -> None:
    await follow_up(jobs)
    await ask(jobs, question(source="new"))
    assert [claim.job.source for claim in await jobs.queue_out.claim(worker="B", room=5)] == ["new"]
    assert [claim.job.source for claim in await jobs.queue_out.claim(worker="A", room=5)] == ["follow-up"]


async def test_a_follow_up_is_anybodys_after_the_affinity_time(store: Store) -> None:
    await follow_up(store.jobs)
    await store.pass_time(AFFINITY_S / 2)
    await store.jobs.queue_out.heartbeat(worker="A", claims=[])
    assert await store.jobs.queue_out.claim(worker="B", room=1) == []
    await store.pass_time(AFFINITY_S / 2 + 0.05)
    assert (await claim_one(store.jobs, "B")).job.source == "follow-up"


async def test_a_waiting_worker_gets_a_follow_up_as_soon_as_it_is_anybodys(jobs: Jobs) -> None:
    await follow_up(jobs)
    (claim,) = await asyncio.wait_for(jobs.queue_out.claim(worker="B", room=1, wait_s=5), 1)
    assert claim.job.source == "follow-up"
    await ask(jobs, question(source="next"))  # B waits no longer: it is not kept for it
    assert (await claim_one(jobs, "C")).job.source == "next"


async def test_a_worker_that_waits_already_gets_a_follow_up_as_soon_as_it_is_anybodys(open_store: OpenStore) -> None:
    jobs = (await open_store(lease_s=30)).jobs
    where = conversation()
    await ask(jobs, question(where))
    await answer(jobs, await claim_one(jobs, "A"))
    waiting = asyncio.create_task(jobs.queue_out.claim(worker="B", room=1, wait_s=5))
    await asyncio.sleep(0.05)
    await ask(jobs, question(where, source="follow-up"))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    (claim,) = await asyncio.wait_for(waiting, 1)
    assert claim.job.source == "follow-up"


async def test_a_follow_up_goes_to_its_own_waiting_worker_before_others(jobs: Jobs) -> None:
    where = conversation()
    await ask(jobs, question(where))
    await answer(jobs, await claim_one(jobs, "A"))
    others = asyncio.create_task(jobs.queue_out.claim(worker="B", room=1, wait_s=0.2))
    await asyncio.sleep(0.02)
    own = asyncio.create_task(jobs.queue_out.claim(worker="A", room=1, wait_s=0.2))
    await asyncio.sleep(0.02)
    await ask(jobs, question(where, source="follow-up"))
    assert [claim.job.source for claim in await own] == ["follow-up"]
    assert await others == []


async def test_nobody_waits_for_a_worker_that_is_gone(open_store: OpenStore) -> None:
    store = await open_store(affinity_s=60, lease_s=0.2)
    await follow_up(store.jobs)
    assert await store.jobs.queue_out.claim(worker="B", room=1) == []
    await store.pass_lease()
    assert (await claim_one(store.jobs, "B")).job.source == "follow-up"


async def test_conversations_left_to_others_do_not_hide_the_work_behind_them(jobs: Jobs) -> None:
    await follow_up(jobs, conversations=10)
    await ask(jobs, question(source="new"))
    assert [claim.job.source for claim in await jobs.queue_out.claim(worker="B", room=1)] == ["new"]


# ------------------------------------------------------------ lost and slow workers


async def test_a_lost_workers_question_is_run_again_after_one_lease(store: Store) -> None:
    asked = await ask(store.jobs, question())
    first = await claim_one(store.jobs, "A")
    assert await store.jobs.reaper.reap() == 0
    await store.pass_lease()
    assert await store.jobs.reaper.reap() == 1
    second = await claim_one(store.jobs, "B")
    assert (second.job.id, second.attempt) == (asked, first.attempt + 1)
    assert second.job == first.job


async def test_a_question_taken_back_keeps_its_place(store: Store) -> None:
    where = conversation()
    await ask(store.jobs, question(where, source="m1"))
    await claim_one(store.jobs)
    await ask(store.jobs, question(where, source="m2"))
    for _ in range(3):
        await ask(store.jobs, question(source="later"))
    await store.pass_lease()
    await store.jobs.reaper.reap()
    sources = [job.source for job in await answer_all(store.jobs, "B")]
    assert sources[0] == "m1"
    assert sources.count("m2") == 1


async def test_a_question_taken_back_is_left_to_nobody(open_store: OpenStore) -> None:
    store = await open_store(affinity_s=60, lease_s=0.2)
    await follow_up(store.jobs)
    await claim_one(store.jobs, "A")
    await store.pass_lease()
    await store.jobs.queue_out.heartbeat(worker="A", claims=[])  # alive, but it has lost the question
    await store.jobs.reaper.reap()
    assert (await claim_one(store.jobs, "B")).job.source == "follow-up"


async def test_heartbeats_keep_a_question(store: Store) -> None:
    await ask(store.jobs, question())
    claim = await claim_one(store.jobs)
    for _ in range(3):
        await store.pass_time(store.settings.lease_s * 0.6)
        pulse = await store.jobs.queue_out.heartbeat(worker="A", claims=[claim])
        assert pulse.fenced == ()
        assert await store.jobs.reaper.reap() == 0


async def test_a_fenced_worker_can_write_nothing_more(store: Store) -> None:
    jobs = store.jobs
    asked = await ask(jobs, question())
    slow = await claim_one(jobs, "A")
    await store.pass_lease()
    await jobs.reaper.reap()
    with pytest.raises(Fenced):  # taken back, not yet given to anybody
        await jobs.queue_out.publish(slow, Delta(attempt=1, offset=0, text="late"))
    fast = await claim_one(jobs, "B")
    with pytest.raises(Fenced):
        await jobs.queue_out.publish(slow, Delta(attempt=1, offset=0, text="late"))
    with pytest.raises(Fenced):
        await answer(jobs, slow, "late")
    assert (await jobs.queue_out.heartbeat(worker="A", claims=[slow])).fenced == (asked,)
    await answer(jobs, fast, "in time")
    with pytest.raises(Fenced):
        await answer(jobs, slow, "late")
    events = [event async for event in jobs.answers.follow(asked)]
    assert "late" not in str(events)
    assert events[-1] == Done(text="in time")
    assert [turn.answer for turn in (await jobs.conversations.load(fast.job.conversation)).turns] == ["in time"]


async def test_a_question_that_no_worker_survives_is_given_up_and_told(open_store: OpenStore) -> None:
    store = await open_store(lease_s=0.1, max_attempts=2)
    where = conversation()
    asked = await ask(store.jobs, question(where))
    await ask(store.jobs, question(where, source="next"))
    for _ in range(2):
        assert (await claim_one(store.jobs)).job.id == asked
        await store.pass_lease()
        await store.jobs.reaper.reap()
    ending = await ending_of(store.jobs, asked)
    assert isinstance(ending, Failed)
    assert ending.code == "worker_keeps_failing"
    assert "failed 2 times" in ending.advice
    assert (await claim_one(store.jobs)).job.source == "next"


async def test_a_stopped_question_is_not_run_again_when_its_worker_is_lost(store: Store) -> None:
    asked = await ask(store.jobs, question())
    await claim_one(store.jobs)
    assert await store.jobs.queue_in.end(asked, Cancelled(reason="stopped"))
    await store.pass_lease()
    assert await store.jobs.reaper.reap() == 1
    assert await ending_of(store.jobs, asked) == Cancelled(reason="stopped")
    assert await store.jobs.queue_out.claim(worker="B", room=1) == []


# ------------------------------------------------------------ ends


async def test_the_same_commit_twice_is_one(jobs: Jobs) -> None:
    asked = await ask(jobs, question())
    claim = await claim_one(jobs)
    await answer(jobs, claim)
    await answer(jobs, claim)
    events = [event async for event in jobs.answers.follow(asked)]
    assert events.count(Done(text="a cat")) == 1
    assert len((await jobs.conversations.load(claim.job.conversation)).turns) == 1
    assert (await jobs.queue_out.heartbeat(worker="A", claims=[claim])).fenced == ()


async def test_a_failed_question_may_leave_no_turn(jobs: Jobs) -> None:
    asked = await ask(jobs, question())
    claim = await claim_one(jobs)
    await jobs.queue_out.commit(claim, Failed(code="model_unavailable", advice="No model."))
    assert await ending_of(jobs, asked) == Failed(code="model_unavailable", advice="No model.")
    assert (await jobs.conversations.load(claim.job.conversation)).turns == ()


async def test_stop_ends_a_waiting_question_at_once(jobs: Jobs) -> None:
    where = conversation()
    asked = await ask(jobs, question(where))
    await ask(jobs, question(where, source="next"))
    assert await jobs.queue_in.end(asked, Cancelled(reason="stopped"))
    assert await ending_of(jobs, asked) == Cancelled(reason="stopped")
    assert not await jobs.queue_in.end(asked, Cancelled(reason="stopped"))
    assert (await claim_one(jobs)).job.source == "next"


async def test_stop_asks_a_running_question_to_end(jobs: Jobs) -> None:
    asked = await ask(jobs, question())
    claim = await claim_one(jobs)
    assert await jobs.queue_in.end(asked, Cancelled(reason="stopped"))
    pulse = await jobs.queue_out.heartbeat(worker="A", claims=[claim])
    assert pulse.cancellations == (Cancellation(job=asked, reason="stopped"),)
    await jobs.queue_out.commit(claim, Cancelled(reason="stopped", text="a c"), turn_of(claim.job, "a c"))
    assert await ending_of(jobs, asked) == Cancelled(reason="stopped", text="a c")


async def test_a_refused_intake_ends_the_question_with_its_reason(jobs: Jobs) -> None:
    asked = question()
    await jobs.queue_in.submit(asked, holder="bot")
    refusal = Failed(code="picture_refused", advice="paper.pdf skipped: it is a PDF.")
    assert await jobs.queue_in.end(asked.id, refusal)
    await jobs.queue_in.attach(asked.id, [])
    assert await jobs.queue_out.claim(worker="A", room=1) == []
    assert await ending_of(jobs, asked.id) == refusal


async def test_an_unknown_question_cannot_be_ended(jobs: Jobs) -> None:
    assert not await jobs.queue_in.end(question().id, Cancelled(reason="stopped"))


async def test_whoever_nobody_gets_to_in_time_is_told(store: Store) -> None:
    ready = await ask(store.jobs, question(patience_s=0.1))
    taken_in = question(patience_s=0.1)
    await store.jobs.queue_in.submit(taken_in, holder="bot")
    patient = await ask(store.jobs, question(source="patient"))
    await store.pass_time(0.15)
    assert [claim.job.id for claim in await store.jobs.queue_out.claim(worker="A", room=5)] == [patient]
    assert await store.jobs.reaper.reap() == 2
    for asked in (ready, taken_in.id):
        ending = await ending_of(store.jobs, asked)
        assert isinstance(ending, Failed)
        assert ending.code == "deadline_passed"
    assert await store.jobs.reaper.reap() == 0


async def test_a_started_question_has_all_the_time_it_needs(open_store: OpenStore) -> None:
    store = await open_store(lease_s=5)
    await ask(store.jobs, question(patience_s=0.1))
    claim = await claim_one(store.jobs)
    await store.pass_time(0.15)
    assert await store.jobs.reaper.reap() == 0
    await answer(store.jobs, claim)


async def test_a_question_whose_worker_was_lost_waits_as_long_as_at_first_and_no_longer(open_store: OpenStore) -> None:
    store = await open_store(lease_s=0.1, max_waiting=1)
    asked = await ask(store.jobs, question(patience_s=0.4))
    await claim_one(store.jobs)
    await store.pass_time(0.5)
    assert await store.jobs.reaper.reap() == 1  # taken back
    assert (await store.jobs.monitor.health()).waiting == 1
    with pytest.raises(QueueFull):
        await ask(store.jobs, question())
    await store.pass_time(0.2)
    assert await store.jobs.reaper.reap() == 0
    await store.pass_time(0.3)
    assert await store.jobs.reaper.reap() == 1
    ending = await ending_of(store.jobs, asked)
    assert isinstance(ending, Failed)
    assert ending.code == "deadline_passed"
    assert (await store.jobs.monitor.health()).waiting == 0


async def test_a_question_whose_worker_was_lost_is_counted_once(open_store: OpenStore) -> None:
    store = await open_store(lease_s=0.1)
    await ask(store.jobs, question())
    for waiting in (1, 0, 1, 0):
        assert (await store.jobs.monitor.health()).waiting == waiting
        if waiting:
            last = await claim_one(store.jobs)
        elif last.attempt == 1:
            await store.pass_time(0.15)
            await store.jobs.reaper.reap()
    await answer(store.jobs, last)
    assert (await store.jobs.monitor.health()).waiting == 0


# ------------------------------------------------------------ position


async def test_the_position_counts_those_ahead(jobs: Jobs) -> None:
    first, second = await ask(jobs, question()), await ask(jobs, question())
    where = conversation()
    third = await ask(jobs, question(where))
    fourth = await ask(jobs, question(where))
    positions = [await jobs.queue_in.position(job) for job in (first, second, third, fourth)]
    assert [position and position.ahead for position in positions] == [0, 1, 2, 3]
    await claim_one(jobs)
    assert await jobs.queue_in.position(first) is None
    assert await jobs.queue_in.position(second) == Position(ahead=0)


async def test_a_question_whose_pictures_come_in_stands_where_it_would_start(jobs: Jobs) -> None:
    await ask(jobs, question())
    asked = question()
    await jobs.queue_in.submit(asked, holder="bot")
    assert await jobs.queue_in.position(asked.id) == Position(ahead=1)


async def test_a_question_behind_a_running_one_of_its_conversation_is_next(jobs: Jobs) -> None:
    where = conversation()
    await ask(jobs, question(where))
    running = await claim_one(jobs)
    asked = await ask(jobs, question(where))
    assert await jobs.queue_in.position(asked) == Position(ahead=0)
    await answer(jobs, running)
    await answer_all(jobs)
    assert await jobs.queue_in.position(asked) is None


async def test_the_expected_wait_follows_how_long_answers_take(open_store: OpenStore) -> None:
    store = await open_store(lease_s=5)
    jobs = store.jobs
    await ask(jobs, question())
    claim = await claim_one(jobs)
    await store.pass_time(0.2)
    await answer(jobs, claim)
    await ask(jobs, question())
    await ask(jobs, question())
    await jobs.queue_out.claim(worker="A", room=2)
    waiting = [await ask(jobs, question()) for _ in range(4)]
    position = await jobs.queue_in.position(waiting[3])
    assert position is not None
    assert position.ahead == 3
    assert position.wait_s == pytest.approx(0.2 * 4 / 2, rel=0.5)  # four ends are needed, two run at once
