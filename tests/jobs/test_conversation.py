import asyncio
import time

import pytest

from jobs import (
    Cancellation,
    Cancelled,
    Claim,
    Conversation,
    ConversationId,
    Delta,
    Done,
    Forgotten,
    Job,
    Started,
)
from jobs.errors import NotTheLastTurn, RestsOnForgotten
from jobs.memory import MemoryJobs
from jobs.stores import Jobs
from tests.jobs.conftest import OpenStore, Store
from tests.jobs.given import answer, answer_all, answer_anew, ask, claim_one, conversation, picture, question, turn_of

FORGOTTEN = Cancelled(reason="forgotten")


async def bring(jobs: Jobs, job: Job, *stored: bytes) -> list[str]:
    """Submit a question with these pictures, taken in; their digests."""
    await jobs.queue_in.submit(job, holder="bot")
    digests = [await jobs.pictures.put(job.conversation, one) for one in stored]
    await jobs.queue_in.attach(job.id, [picture(digest) for digest in digests])
    return digests


async def sources_of(jobs: Jobs, where: ConversationId) -> list[str]:
    return [turn.source for turn in (await jobs.conversations.load(where)).turns]


async def has(jobs: Jobs, digest: str, tenant_key: str = "slack:T1") -> bool:
    return await jobs.pictures.get(tenant_key, digest) is not None


# ------------------------------------------------------------ histories


async def test_turns_are_loaded_whole_and_oldest_first(jobs: Jobs) -> None:
    where = conversation()
    for source in ("m2", "m1", "m/ö:3"):
        await ask(jobs, question(where, source=source))
    claims: list[Claim] = []
    for _ in range(3):
        claims.append(await claim_one(jobs))
        await answer(jobs, claims[-1], f"answer to {claims[-1].job.source}")
    loaded = await jobs.conversations.load(where)
    assert loaded.id == where
    assert loaded.turns == tuple(turn_of(claim.job, f"answer to {claim.job.source}") for claim in claims)
    assert {claim.epoch for claim in claims} == {loaded.epoch}


async def test_an_unknown_conversation_is_empty(jobs: Jobs) -> None:
    assert (await jobs.conversations.load(conversation())).turns == ()


async def test_conversations_with_the_same_ids_in_two_tenants_never_meet(jobs: Jobs) -> None:
    here, there = conversation("t", tenant="T1"), conversation("t", tenant="T2")
    tricky = ConversationId(platform="slack", tenant="T1", channel="C1:t", thread="")
    await ask(jobs, question(here, source="m1"))
    await answer_all(jobs)
    await jobs.conversations.forget(there)
    assert await sources_of(jobs, here) == ["m1"]
    assert await sources_of(jobs, there) == []
    assert await sources_of(jobs, tricky) == []


async def test_a_conversation_lives_for_its_retention_time_after_the_last_use(open_store: OpenStore) -> None:
    store = await open_store(retention_s=0.5)
    used, left = conversation(), conversation()
    for where in (used, left):
        await ask(store.jobs, question(where, source="m1"))
    await answer_all(store.jobs)
    digest = await store.jobs.pictures.put(used, b"picture")
    before = await store.jobs.conversations.load(left)
    for _ in range(2):
        await store.pass_time(0.3)
        assert await sources_of(store.jobs, used) == ["m1"]
    assert await has(store.jobs, digest)
    after = await store.jobs.conversations.load(left)
    assert after.turns == ()
    assert after.epoch > before.epoch  # a cache of the first life cannot be mistaken
    with pytest.raises(NotTheLastTurn):
        await ask(store.jobs, question(left, source="m1", revision=1))


async def test_a_question_may_wait_for_longer_than_anything_is_kept(open_store: OpenStore) -> None:
    store = await open_store(retention_s=0.2)
    waiting, forgotten = conversation(), conversation()
    await ask(store.jobs, question(waiting))
    to_forget = await ask(store.jobs, question(forgotten))
    await store.pass_time(0.3)
    await store.jobs.reaper.reap()
    await store.jobs.conversations.forget(forgotten)
    assert [event async for event in store.jobs.answers.follow(to_forget)] == [FORGOTTEN]
    assert [job.conversation for job in await answer_all(store.jobs)] == [waiting]
    assert len((await store.jobs.conversations.load(waiting)).turns) == 1


async def test_workers_are_told_when_a_conversation_outlives_its_time(open_store: OpenStore) -> None:
    store = await open_store(retention_s=0.2)
    where = conversation()
    await ask(store.jobs, question(where))
    claim = await claim_one(store.jobs)
    await answer(store.jobs, claim)
    await store.pass_time(0.25)
    await store.jobs.reaper.reap()
    ((expired, epoch),) = (await store.jobs.queue_out.heartbeat(worker="A", claims=[])).forgotten
    assert expired == where
    assert epoch > claim.epoch


async def test_a_question_is_found_in_its_channel_whatever_its_conversation(jobs: Jobs) -> None:
    asked, waiting = question(source="m/1"), question(source="m2")
    await ask(jobs, asked)
    await answer(jobs, await claim_one(jobs))
    await ask(jobs, question(asked.conversation))
    await ask(jobs, waiting)
    for job in (asked, waiting):
        assert await jobs.conversations.with_source("slack:T1", "C1", job.source) == {job.conversation}
    assert not await jobs.conversations.with_source("slack:T1", "C2", "m/1")
    assert not await jobs.conversations.with_source("slack:T2", "C1", "m/1")
    await jobs.conversations.forget_source(asked.conversation, "m/1")
    assert not await jobs.conversations.with_source("slack:T1", "C1", "m/1")


# ------------------------------------------------------------ forgetting a conversation


async def test_forgetting_takes_the_history_and_the_pictures(jobs: Jobs) -> None:
    where, other = conversation(), conversation()
    one, two = await bring(jobs, question(where), b"only here", b"also there")
    await jobs.pictures.put(other, b"also there")
    await answer_all(jobs)
    before = await jobs.conversations.load(where)
    assert await jobs.conversations.forget(where) == Forgotten(conversations=1, turns=1, pictures=1)
    after = await jobs.conversations.load(where)
    assert after == Conversation(id=where, epoch=after.epoch, forgotten_at_s=after.forgotten_at_s)
    assert after.epoch > before.epoch
    assert (await has(jobs, one), await has(jobs, two)) == (False, True)
    assert await jobs.conversations.forget(where) == Forgotten()


async def test_forgetting_ends_the_waiting_questions(jobs: Jobs) -> None:
    where = conversation()
    waiting = await ask(jobs, question(where))
    taken_in = question(where)
    await jobs.queue_in.submit(taken_in, holder="bot")
    await jobs.conversations.forget(where)
    for asked in (waiting, taken_in.id):
        assert [event async for event in jobs.answers.follow(asked)] == [FORGOTTEN]
    assert await jobs.queue_out.claim(worker="A", room=1) == []


async def test_forgetting_stops_the_running_question_and_keeps_nothing_of_it(jobs: Jobs) -> None:
    where = conversation()
    asked = await ask(jobs, question(where))
    claim = await claim_one(jobs)
    await jobs.queue_out.publish(claim, Delta(attempt=1, offset=0, text="secret"))
    await jobs.conversations.forget(where)
    pulse = await jobs.queue_out.heartbeat(worker="A", claims=[claim])
    assert pulse.cancellations == (Cancellation(job=asked, reason="forgotten"),)
    await jobs.queue_out.publish(claim, Delta(attempt=1, offset=6, text="secret"))
    await jobs.queue_out.commit(claim, Done(text="secret"), turn_of(claim.job, "secret"))
    events = [event async for event in jobs.answers.follow(asked)]
    assert events[-1] == FORGOTTEN
    assert "secret" not in str(events)
    assert (await jobs.conversations.load(where)).turns == ()
    await ask(jobs, question(where, source="new"))
    assert (await claim_one(jobs)).epoch > claim.epoch


async def test_forgetting_outranks_a_stop_that_was_asked_before(jobs: Jobs) -> None:
    where = conversation()
    asked = await ask(jobs, question(where))
    claim = await claim_one(jobs)
    await jobs.queue_in.end(asked, Cancelled(reason="stopped"))
    await jobs.conversations.forget(where)
    await jobs.queue_out.commit(claim, Cancelled(reason="stopped", text="secret"), turn_of(claim.job, "secret"))
    assert [event async for event in jobs.answers.follow(asked)][-1] == FORGOTTEN
    assert (await jobs.conversations.load(where)).turns == ()


async def test_forgetting_takes_the_words_out_of_ended_questions(jobs: Jobs) -> None:
    where = conversation()
    asked = question(where, text="secret", reply_to="C1/17")
    await ask(jobs, asked)
    await answer(jobs, await claim_one(jobs), "secret")
    await jobs.conversations.forget(where)
    events = [event async for event in jobs.answers.follow(asked.id)]
    assert events[-1] == FORGOTTEN
    assert "secret" not in str(events)
    again = await jobs.queue_in.submit(asked, holder="bot", ready=True)
    assert again.joined  # the id is still known, its words are not
    assert (again.job.text, again.job.asker, again.job.reply_to) == ("", "", "C1/17")


async def test_every_worker_is_told_of_every_forgetting_once_idle_conversations_too(jobs: Jobs) -> None:
    idle, unknown = conversation(), conversation()
    await ask(jobs, question(idle))
    await answer_all(jobs)
    for worker in ("A", "B"):
        assert (await jobs.queue_out.heartbeat(worker=worker, claims=[])).forgotten == ()
    before = (await jobs.conversations.load(idle)).epoch
    await jobs.conversations.forget(idle)
    await jobs.conversations.forget(unknown)
    for worker in ("A", "B"):
        told = (await jobs.queue_out.heartbeat(worker=worker, claims=[])).forgotten
        assert [where for where, _ in told] == [idle, unknown]
        assert told[0][1] > before
        assert (await jobs.queue_out.heartbeat(worker=worker, claims=[])).forgotten == ()


async def test_a_worker_hears_of_what_was_forgotten_between_its_claim_and_its_first_heartbeat(jobs: Jobs) -> None:
    where = conversation()
    await ask(jobs, question(where))
    await answer(jobs, await claim_one(jobs))
    await jobs.conversations.forget(where)
    pulse = await jobs.queue_out.heartbeat(worker="A", claims=[])
    assert [forgotten for forgotten, _ in pulse.forgotten] == [where]


async def test_pictures_that_arrive_after_the_forgetting_do_not_stay(jobs: Jobs) -> None:
    asked = question()
    await jobs.queue_in.submit(asked, holder="bot")
    await jobs.conversations.forget(asked.conversation)
    digest = await jobs.pictures.put(asked.conversation, b"late")
    await jobs.queue_in.attach(asked.id, [picture(digest)])
    assert not await has(jobs, digest)


async def test_questions_count_before_they_are_answered_and_whatever_became_of_them(jobs: Jobs) -> None:
    where = conversation()
    await ask(jobs, question(where, source="channel/m 1", asker="ann"))
    await answer_all(jobs)
    stopped = await ask(jobs, question(where, source="channel/m 1", revision=1, asker="ann"))
    await jobs.queue_in.end(stopped, Cancelled(reason="stopped"))
    known = await jobs.conversations.load(where)
    assert (known.askers, known.last_source, known.last_revision) == ({"ann"}, "channel/m 1", 1)
    assert [turn.revision for turn in known.turns] == [0]
    await ask(jobs, question(where, source="m2", asker="bob smith"))
    known = await jobs.conversations.load(where)
    assert (known.askers, known.last_source, known.last_revision) == ({"ann", "bob smith"}, "m2", 0)
    await jobs.conversations.forget(where)
    known = await jobs.conversations.load(where)
    assert (known.askers, known.last_source, known.last_revision) == (frozenset(), "", 0)


# ------------------------------------------------------------ forgetting a question, a person


async def test_a_deleted_question_takes_its_answer_and_only_its_pictures(jobs: Jobs) -> None:
    where = conversation()
    mine, ours = await bring(jobs, question(where, source="m1"), b"only mine", b"ours")
    await bring(jobs, question(where, source="m2"), b"ours")
    await answer_all(jobs)
    before = (await jobs.conversations.load(where)).epoch
    assert await jobs.conversations.forget_source(where, "m1") == Forgotten(turns=1, pictures=1)
    assert await sources_of(jobs, where) == ["m2"]
    assert (await has(jobs, mine), await has(jobs, ours)) == (False, True)
    assert (await jobs.conversations.load(where)).epoch > before
    assert await jobs.conversations.forget_source(where, "m1") == Forgotten()
    assert await jobs.conversations.forget_source(where, "m2") == Forgotten(conversations=1, turns=1, pictures=1)


async def test_a_question_deleted_while_it_waits_or_runs_is_not_answered(jobs: Jobs) -> None:
    where = conversation()
    running = await ask(jobs, question(where, source="m1"))
    claim = await claim_one(jobs)
    waiting = await ask(jobs, question(where, source="m2"))
    await ask(jobs, question(where, source="m3"))
    await jobs.conversations.forget_source(where, "m1")
    await jobs.conversations.forget_source(where, "m2")
    assert [event async for event in jobs.answers.follow(waiting)] == [FORGOTTEN]
    pulse = await jobs.queue_out.heartbeat(worker="A", claims=[claim])
    assert pulse.cancellations == (Cancellation(job=running, reason="forgotten"),)
    await answer(jobs, claim)
    assert [job.source for job in await answer_all(jobs)] == ["m3"]
    assert await sources_of(jobs, where) == ["m3"]


async def test_an_answer_that_rests_on_a_deleted_question_is_not_kept_and_one_begun_anew_is(jobs: Jobs) -> None:
    where = conversation()
    await ask(jobs, question(where, source="m1"))
    await answer(jobs, await claim_one(jobs), "ann's secret")
    asked = await ask(jobs, question(where, source="m2"))
    claim = await claim_one(jobs)
    await jobs.conversations.forget_source(where, "m1")
    await jobs.queue_out.publish(claim, Delta(attempt=1, offset=0, text="as ann said"))
    for _ in range(2):  # a response may be lost
        with pytest.raises(RestsOnForgotten) as late:
            await answer(jobs, claim, "as ann said, a secret")
    assert await sources_of(jobs, where) == []
    assert late.value.epoch == (await jobs.conversations.load(where)).epoch
    await answer_anew(jobs, claim, "nobody said anything")
    assert [turn.answer for turn in (await jobs.conversations.load(where)).turns] == ["nobody said anything"]
    assert "ann" not in str([event async for event in jobs.answers.follow(asked)])


async def test_an_answer_that_was_stopped_before_something_was_forgotten_ends(jobs: Jobs) -> None:
    where = conversation()
    await ask(jobs, question(where, source="m1"))
    await answer_all(jobs)
    asked = await ask(jobs, question(where, source="m2"))
    claim = await claim_one(jobs)
    await jobs.queue_in.end(asked, Cancelled(reason="stopped"))
    await jobs.conversations.forget_source(where, "m1")
    await jobs.queue_out.commit(claim, Cancelled(reason="stopped"))
    assert [event async for event in jobs.answers.follow(asked)][-1] == Cancelled(reason="stopped")


async def test_deleting_a_question_that_only_waits_leaves_the_answer_before_it_alone(jobs: Jobs) -> None:
    where = conversation()
    asked = await ask(jobs, question(where, source="m1"))
    claim = await claim_one(jobs)
    await jobs.queue_out.publish(claim, Delta(attempt=1, offset=0, text="a c"))
    waiting = await ask(jobs, question(where, source="m2"))
    await jobs.conversations.forget_source(where, "m2")
    assert [event async for event in jobs.answers.follow(waiting)] == [FORGOTTEN]
    await answer(jobs, claim, "a cat")
    said = [event async for event in jobs.answers.follow(asked)]
    assert said == [Started(attempt=1), Delta(attempt=1, offset=0, text="a c"), Done(text="a cat")]


async def test_words_that_rest_on_what_was_forgotten_are_taken_back_at_once(jobs: Jobs) -> None:
    where = conversation()
    await ask(jobs, question(where, source="m1"))
    await answer_all(jobs)
    asked = await ask(jobs, question(where, source="m2"))
    claim = await claim_one(jobs)
    await jobs.queue_out.publish(claim, Delta(attempt=1, offset=0, text="ann's secret"))
    early = aiter(jobs.answers.follow(asked))
    assert [await anext(early) for _ in range(2)][-1] == Delta(attempt=1, offset=0, text="ann's secret")
    await jobs.conversations.forget_source(where, "m1")
    taken_back = Delta(attempt=1, offset=0, text="")
    assert await anext(early) == taken_back
    late = aiter(jobs.answers.follow(asked))
    assert [await anext(late) for _ in range(2)] == [Started(attempt=1), taken_back]


async def test_a_second_attempt_leaves_no_word_of_the_first_that_rests_on_what_was_forgotten(
    open_store: OpenStore,
) -> None:
    store: Store = await open_store(lease_s=0.2)
    jobs, where = store.jobs, conversation()
    await ask(jobs, question(where, source="m1"))
    await answer_all(jobs)
    asked = await ask(jobs, question(where, source="m2"))
    claim = await claim_one(jobs)
    await jobs.queue_out.publish(claim, Delta(attempt=1, offset=0, text="ann's secret"))
    await store.pass_lease()
    await jobs.reaper.reap()
    await jobs.conversations.forget_source(where, "m1")  # nobody answers it just now
    await answer(jobs, await claim_one(jobs, "B"), "a cat")
    events = [event async for event in jobs.answers.follow(asked)]
    assert events[-1] == Done(text="a cat")
    assert "secret" not in str(events)


async def test_of_a_conversation_that_never_rests_the_latest_turns_are_kept_and_their_pictures(
    open_store: OpenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.memory.queue.TURNS_KEPT", 2)
    monkeypatch.setattr("jobs.redis.library.TURNS_KEPT", 2)
    jobs, where = (await open_store()).jobs, conversation()
    digests = []
    for source, asker in (("m1", "ann"), ("m2", "bob"), ("m3", "bob"), ("m4", "bob"), ("m5", "bob")):
        shared = b"of m1 and m4" if source in {"m1", "m4"} else source.encode()
        digests += await bring(jobs, question(where, source=source, asker=asker), shared)
        before = await jobs.conversations.load(where)
        await answer_all(jobs)
    after = await jobs.conversations.load(where)
    assert [turn.source for turn in before.turns] == ["m1", "m2", "m3", "m4"]
    assert [turn.source for turn in after.turns] == ["m4", "m5"]
    assert after.askers == {"bob"}
    assert after.epoch > before.epoch
    assert [await has(jobs, digest) for digest in digests] == [True, False, False, True, True]
    assert await jobs.conversations.forget_asker(where.tenant_key, "ann") == Forgotten()


async def test_of_a_conversation_that_never_rests_no_question_is_kept_that_nobody_answered(
    open_store: OpenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.memory.queue.TURNS_KEPT", 1)
    monkeypatch.setattr("jobs.redis.library.TURNS_KEPT", 1)
    store: Store = await open_store(remember_ids_s=2)
    jobs, where = store.jobs, conversation()
    for asker, wait_s in (("ann", 2.1), ("bob", 0.0)):  # nothing is known of ann's any more, and of bob's the id
        stopped = await ask(jobs, question(where, asker=asker))
        await jobs.queue_in.end(stopped, Cancelled(reason="stopped"))
        await jobs.replies.close(holder="bot", job=stopped)
        await store.pass_time(wait_s)
    for _ in range(3):
        await ask(jobs, question(where, asker="cid"))
        await answer_all(jobs)
    assert (await jobs.conversations.load(where)).askers == {"bob", "cid"}


async def test_after_the_last_question_is_deleted_the_one_before_is_the_last(jobs: Jobs) -> None:
    where = conversation()
    for source in ("m1", "m2"):
        await ask(jobs, question(where, source=source))
    await answer_all(jobs)
    await jobs.conversations.forget_source(where, "m2")
    await ask(jobs, question(where, source="m1", revision=1))


async def test_pictures_that_an_edit_has_stored_again_outlive_the_intake_that_it_overtook(jobs: Jobs) -> None:
    first = question(source="m1")
    await jobs.queue_in.submit(first, holder="bot")
    digest = await jobs.pictures.put(first.conversation, b"picture")
    edited = question(first.conversation, source="m1", revision=1)
    await jobs.queue_in.submit(edited, holder="bot")
    assert await jobs.pictures.put(first.conversation, b"picture") == digest
    await jobs.queue_in.attach(first.id, [picture(digest)])  # the earlier intake ends late
    await jobs.queue_in.attach(edited.id, [picture(digest)])
    claim = await claim_one(jobs)
    assert [shown.digest for shown in claim.pictures] == [digest]
    assert await has(jobs, digest)


async def test_deleting_a_question_leaves_the_pictures_of_one_that_is_being_taken_in(jobs: Jobs) -> None:
    where = conversation()
    await ask(jobs, question(where, source="m1"))
    arriving = question(where, source="m2")
    await jobs.queue_in.submit(arriving, holder="bot")
    digest = await jobs.pictures.put(where, b"arriving")
    await jobs.conversations.forget_source(where, "m1")
    await jobs.queue_in.attach(arriving.id, [picture(digest)])
    assert await has(jobs, digest)


@pytest.mark.parametrize("becomes", ["attached", "stopped"])
async def test_pictures_of_a_question_deleted_during_another_intake_go_when_that_is_over(
    jobs: Jobs, becomes: str
) -> None:
    where = conversation()
    (mine,) = await bring(jobs, question(where, source="m1", asker="ann"), b"mine")
    (kept,) = await bring(jobs, question(where, source="m0"), b"kept")
    await answer_all(jobs)
    arriving = question(where, source="m2", asker="bob")
    await jobs.queue_in.submit(arriving, holder="bot")
    await jobs.conversations.forget_source(where, "m1")
    assert await has(jobs, mine)  # it may be among those that come in
    arrived = await jobs.pictures.put(where, b"arrived")
    if becomes == "attached":
        await jobs.queue_in.attach(arriving.id, [picture(arrived)])
    else:
        await jobs.queue_in.end(arriving.id, Cancelled(reason="stopped"))
    assert not await has(jobs, mine)
    assert await has(jobs, kept)
    assert await has(jobs, arrived) == (becomes == "attached")


async def test_a_deleted_questions_picture_stays_while_somebody_else_posts_it_again(jobs: Jobs) -> None:
    where = conversation()
    (shared,) = await bring(jobs, question(where, source="m1"), b"shared")
    await answer_all(jobs)
    arriving, behind = question(where, source="m2"), question(where, source="m3")
    for one in (arriving, behind):
        await jobs.queue_in.submit(one, holder="bot")
    await jobs.conversations.forget_source(where, "m1")
    await jobs.queue_in.attach(behind.id, [])
    await jobs.queue_in.attach(arriving.id, [picture(shared)])
    assert await has(jobs, shared)
    await answer_all(jobs)
    assert await has(jobs, shared)


async def test_the_pictures_of_a_turn_stay_while_its_question_is_answered_again(jobs: Jobs) -> None:
    where = conversation()
    (before,) = await bring(jobs, question(where, source="m1"), b"before the edit")
    await answer_all(jobs)
    (after,) = await bring(jobs, question(where, source="m1", revision=1), b"after it")
    await jobs.queue_in.end(question(where, source="m1", revision=1).id, Cancelled(reason="stopped"))
    assert (await has(jobs, before), await has(jobs, after)) == (True, True)  # the turn is the one before
    assert (await jobs.conversations.forget_source(where, "m1")).pictures == 2


@pytest.mark.parametrize("end", ["stopped", "given up", "edited"])
async def test_pictures_of_a_question_that_nobody_answered_do_not_stay(store: Store, end: str) -> None:
    jobs, where = store.jobs, conversation()
    (kept,) = await bring(jobs, question(where, source="m1"), b"kept")
    await answer_all(jobs)
    (gone,) = await bring(jobs, question(where, source="m2", patience_s=0.1), b"gone")
    match end:
        case "stopped":
            await jobs.queue_in.end(question(where, source="m2").id, Cancelled(reason="stopped"))
        case "given up":
            await store.pass_time(0.15)
            await jobs.reaper.reap()
        case "edited":
            await ask(jobs, question(where, source="m2", revision=1))
    assert (await has(jobs, kept), await has(jobs, gone)) == (True, False)


async def test_pictures_of_an_edit_that_was_stopped_while_they_came_in_do_not_stay(jobs: Jobs) -> None:
    where = conversation()
    (before,) = await bring(jobs, question(where, source="m1"), b"before the edit")
    await answer_all(jobs)
    edited = question(where, source="m1", revision=1)
    await jobs.queue_in.submit(edited, holder="bot")
    coming = await jobs.pictures.put(where, b"coming in")
    await jobs.queue_in.end(edited.id, Cancelled(reason="stopped"))
    assert (await has(jobs, before), await has(jobs, coming)) == (True, False)


async def test_pictures_of_an_edited_question_stay_when_the_older_revision_ends_without_an_answer(jobs: Jobs) -> None:
    where = conversation()
    await bring(jobs, question(where, source="m1"), b"the same")
    running = await claim_one(jobs)
    (same,) = await bring(jobs, question(where, source="m1", revision=1), b"the same")
    await jobs.queue_out.commit(running, Cancelled(reason="superseded"))
    assert await has(jobs, same)
    assert [shown.digest for shown in (await claim_one(jobs)).pictures] == [same]


async def test_pictures_that_arrive_while_a_broken_off_intake_of_a_forgotten_question_ends_do_not_stay(
    jobs: Jobs,
) -> None:
    asked = question(source="m1")
    await jobs.queue_in.submit(asked, holder="bot")
    await jobs.conversations.forget(asked.conversation)
    late = await jobs.pictures.put(asked.conversation, b"late")
    await jobs.replies.close(holder="bot", job=asked.id)  # the process that took it in is gone: nothing is attached
    assert not await has(jobs, late)


async def test_the_pictures_of_a_deleted_question_are_counted_though_they_were_coming_in(jobs: Jobs) -> None:
    where = conversation()
    asked = question(where, source="m1")
    await jobs.queue_in.submit(asked, holder="bot")
    await jobs.pictures.put(where, b"coming in")
    assert (await jobs.conversations.forget_source(where, "m1")).pictures == 1
    await jobs.queue_in.submit(question(where, source="m2"), holder="bot")
    await jobs.pictures.put(where, b"coming in")
    assert (await jobs.conversations.forget(where)).pictures == 1


@pytest.mark.parametrize("forget", ["conversation", "place", "asker"])
async def test_forgetting_starts_no_question_that_waits_behind_another(open_store: OpenStore, forget: str) -> None:
    store: Store = await open_store(lease_s=30)
    jobs, where = store.jobs, conversation()
    first, *others = [question(where, source=source) for source in ("m1", "m2", "m3")]
    await jobs.queue_in.submit(first, holder="bot")  # its pictures come in
    for one in others:
        await ask(jobs, one)
    idle = asyncio.create_task(jobs.queue_out.claim(worker="A", room=1, wait_s=0.5))
    await asyncio.sleep(0.1)
    match forget:
        case "conversation":
            await jobs.conversations.forget(where)
        case "place":
            await jobs.eraser.forget_place(where.tenant_key)
        case _:
            await jobs.conversations.forget_asker(where.tenant_key, "ann")
    async with asyncio.timeout(2):
        for one in (first, *others):
            assert [event async for event in jobs.answers.follow(one.id)] == [FORGOTTEN]
    if isinstance(jobs, MemoryJobs):
        jobs.clock.advance(1)
    assert await idle == []


async def test_a_person_is_forgotten_within_the_tenant_and_nobody_else_is(jobs: Jobs) -> None:
    shared, own, elsewhere = conversation(), conversation(), conversation(tenant="T2")
    await ask(jobs, question(shared, source="ann's", asker="ann"))
    await ask(jobs, question(shared, source="bob's", asker="bob"))
    await bring(jobs, question(own, source="ann's too", asker="ann"), b"ann's picture")
    await ask(jobs, question(elsewhere, source="another ann's", asker="ann"))
    await answer_all(jobs)
    forgotten = await jobs.conversations.forget_asker("slack:T1", "ann")
    assert forgotten == Forgotten(conversations=1, turns=2, pictures=1)
    assert await sources_of(jobs, shared) == ["bob's"]
    assert await sources_of(jobs, own) == []
    assert await sources_of(jobs, elsewhere) == ["another ann's"]
    assert await jobs.conversations.forget_asker("slack:T1", "ann") == Forgotten()


async def test_a_question_stays_its_askers_when_somebody_else_has_it_answered_again(jobs: Jobs) -> None:
    where = conversation()
    await ask(jobs, question(where, source="m1", asker="ann"))
    await ask(jobs, question(where, source="m1", revision=1, asker="bob"))
    await answer_all(jobs)
    assert (await jobs.conversations.forget_asker("slack:T1", "bob")).turns == 0
    assert (await jobs.conversations.forget_asker("slack:T1", "ann")).turns == 1


async def test_a_person_can_be_forgotten_after_one_of_their_questions_was_deleted(jobs: Jobs) -> None:
    where = conversation()
    for source in ("m1", "m2"):
        await ask(jobs, question(where, source=source, asker="ann"))
    await answer_all(jobs)
    await jobs.conversations.forget_source(where, "m1")
    assert (await jobs.conversations.forget_asker("slack:T1", "ann")).turns == 1


async def test_a_person_can_be_forgotten_as_long_as_anything_of_theirs_is_kept(open_store: OpenStore) -> None:
    store: Store = await open_store(retention_s=0.5)
    where = conversation()
    await ask(store.jobs, question(where, source="ann's", asker="ann"))
    await answer_all(store.jobs)
    for _ in range(3):  # others keep the conversation alive
        await store.pass_time(0.3)
        await store.jobs.conversations.load(where)
    assert (await store.jobs.conversations.forget_asker("slack:T1", "ann")).turns == 1


async def test_when_a_conversation_was_forgotten_is_known_and_of_no_other(jobs: Jobs) -> None:
    where, elsewhere, there = conversation("t"), conversation("u"), conversation("t", tenant="T2")
    assert (await jobs.conversations.load(where)).forgotten_at_s == 0.0
    for asked in (where, elsewhere, there):
        await ask(jobs, question(asked))
    await answer_all(jobs)
    await jobs.conversations.forget(where)
    await ask(jobs, question(where))  # it goes on
    assert (await jobs.conversations.load(where)).forgotten_at_s == pytest.approx(time.time(), abs=5)
    assert (await jobs.conversations.load(elsewhere)).forgotten_at_s == 0.0
    assert (await jobs.conversations.load(there)).forgotten_at_s == 0.0


async def test_where_a_person_was_forgotten_it_is_known_when(jobs: Jobs) -> None:
    theirs, another_s = conversation(), conversation()
    await ask(jobs, question(theirs, asker="ann"))
    await ask(jobs, question(another_s, asker="bob"))
    await answer_all(jobs)
    await jobs.conversations.forget_asker("slack:T1", "ann")
    assert (await jobs.conversations.load(theirs)).forgotten_at_s == pytest.approx(time.time(), abs=5)
    assert (await jobs.conversations.load(another_s)).forgotten_at_s == 0.0


async def test_a_deleted_question_is_no_forgotten_conversation(jobs: Jobs) -> None:
    where = conversation()
    await ask(jobs, question(where, source="m1"))
    await answer_all(jobs)
    await jobs.conversations.forget_source(where, "m1")
    assert (await jobs.conversations.load(where)).forgotten_at_s == 0.0


async def test_that_it_was_forgotten_is_known_for_longer_than_anything_is_remembered(open_store: OpenStore) -> None:
    store: Store = await open_store(retention_s=0.2)
    where = conversation()
    await ask(store.jobs, question(where))
    await answer_all(store.jobs)
    await store.jobs.conversations.forget(where)
    await store.pass_time(0.5)
    await store.jobs.reaper.reap()
    assert (await store.jobs.conversations.load(where)).forgotten_at_s > 0


async def test_what_is_forgotten_while_it_runs_is_counted_once(jobs: Jobs) -> None:
    where = conversation()
    await ask(jobs, question(where, source="m1"))
    claim = await claim_one(jobs)
    await jobs.conversations.forget_source(where, "m1")
    assert await jobs.conversations.forget_asker(where.tenant_key, claim.job.asker) == Forgotten()
    assert await jobs.conversations.forget(where) == Forgotten()
    assert (await jobs.conversations.load(where)).last_source == ""


async def test_before_a_forgotten_question_that_still_runs_the_one_before_it_is_the_last(jobs: Jobs) -> None:
    where = conversation()
    await ask(jobs, question(where, source="m1"))
    await answer(jobs, await claim_one(jobs), "one")
    await ask(jobs, question(where, source="m2"))
    await claim_one(jobs)
    await jobs.conversations.forget_source(where, "m2")
    assert (await jobs.conversations.load(where)).last_source == "m1"
