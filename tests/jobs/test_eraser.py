import msgspec
import pytest

from jobs import Cancellation, Cancelled, ConversationId, Delta, Done, Forgotten, Job, Picture, PictureRef, Started
from jobs.errors import RestsOnForgotten
from jobs.stores import Jobs
from tests.jobs.conftest import OpenStore, Store
from tests.jobs.given import answer, answer_all, answer_anew, ask, claim_one, conversation, picture, question, turn_of

TENANT = "slack:T1"


async def bring(jobs: Jobs, job: Job, *stored: bytes, first: int = 1) -> list[Picture]:
    """A question with these pictures, answered; they are numbered from `first` on."""
    await jobs.queue_in.submit(job, holder="bot")
    pictures = [
        Picture(
            digest=await jobs.pictures.put(job.conversation, content),
            width=640,
            height=480,
            ref=PictureRef(platform="slack", origin=f"file {content!r}", name="cat.png", page=1),
            number=number,
        )
        for number, content in enumerate(stored, start=first)
    ]
    await jobs.queue_in.attach(job.id, pictures)
    claim = await claim_one(jobs)
    await jobs.queue_out.commit(claim, Done(text="cats"), turn_of(claim.job, "cats", pictures=pictures))
    return pictures


async def bring_again(jobs: Jobs, job: Job, *pictures: Picture) -> None:
    """A question about pictures that the conversation knows, answered."""
    await jobs.queue_in.submit(job, holder="bot")
    await jobs.queue_in.attach(job.id, pictures)
    claim = await claim_one(jobs)
    turn = msgspec.structs.replace(turn_of(claim.job, "cats"), again=pictures)
    await jobs.queue_out.commit(claim, Done(text="cats"), turn)


async def shown(jobs: Jobs, where: ConversationId) -> list[int]:
    return [picture.number for picture in (await jobs.conversations.load(where)).pictures]


async def has(jobs: Jobs, picture: Picture) -> bool:
    return await jobs.pictures.has(TENANT, picture.digest)


# ------------------------------------------------------------ one picture


async def test_a_dropped_picture_is_shown_no_more_and_the_others_keep_their_numbers(jobs: Jobs) -> None:
    where = conversation()
    one, two, three = await bring(jobs, question(where), b"one", b"two", b"three")
    assert await jobs.eraser.drop_picture(where, 2) == two
    assert await shown(jobs, where) == [1, 3]
    assert [await has(jobs, picture) for picture in (one, two, three)] == [True, False, True]


async def test_the_number_of_a_dropped_picture_stays_taken_and_its_name_is_not_kept(jobs: Jobs) -> None:
    where = conversation()
    (picture,) = await bring(jobs, question(where), b"one")
    await jobs.eraser.drop_picture(where, 1)
    (dropped,) = (await jobs.conversations.load(where)).dropped
    assert dropped == msgspec.structs.replace(picture, ref=msgspec.structs.replace(picture.ref, name=""))


async def test_what_is_not_there_cannot_be_dropped(jobs: Jobs) -> None:
    where = conversation()
    await bring(jobs, question(where), b"one")
    assert await jobs.eraser.drop_picture(where, 2) is None
    assert await jobs.eraser.drop_picture(conversation(), 1) is None
    await jobs.eraser.drop_picture(where, 1)
    assert await jobs.eraser.drop_picture(where, 1) is None


async def test_dropping_reaches_the_idle_caches_of_every_worker(jobs: Jobs) -> None:
    where = conversation()
    await bring(jobs, question(where), b"one")
    before = await jobs.conversations.load(where)
    await jobs.queue_out.heartbeat(worker="A", claims=[])
    await jobs.eraser.drop_picture(where, 1)
    after = await jobs.conversations.load(where)
    assert after.epoch > before.epoch
    assert (await jobs.queue_out.heartbeat(worker="A", claims=[])).forgotten == ((where, after.epoch),)


async def test_an_answer_being_written_is_asked_to_stop_and_cannot_bring_the_picture_back(jobs: Jobs) -> None:
    where = conversation()
    asked = question(where)
    pictures = await bring(jobs, asked, b"one", b"two")
    again = msgspec.structs.replace(asked, revision=1)
    await ask(jobs, again)
    claim = await claim_one(jobs)
    await jobs.eraser.drop_picture(where, 1)
    pulse = await jobs.queue_out.heartbeat(worker="A", claims=[claim])
    assert pulse.cancellations == (Cancellation(job=again.id, reason="stopped"),)
    await jobs.queue_out.commit(claim, Done(text="cats"), turn_of(again, "cats", pictures=pictures))
    assert await shown(jobs, where) == [2]


async def test_bytes_that_another_conversation_uses_stay(jobs: Jobs) -> None:
    here, there = conversation(), conversation()
    (picture,) = await bring(jobs, question(here), b"one")
    await bring(jobs, question(there), b"one")
    await jobs.eraser.drop_picture(here, 1)
    assert await has(jobs, picture)
    assert await shown(jobs, there) == [1]


async def test_of_two_files_of_the_same_bytes_one_can_go(jobs: Jobs) -> None:
    where = conversation()
    twins = await bring(jobs, question(where), b"one", b"one")
    assert await jobs.eraser.drop_picture(where, 2) == twins[1]
    assert await shown(jobs, where) == [1]
    assert await has(jobs, twins[0])
    await bring(jobs, question(where), b"two", first=3)  # nobody sweeps them up either
    assert await has(jobs, twins[0])
    await jobs.eraser.drop_picture(where, 1)
    assert not await has(jobs, twins[0])


async def test_a_dropped_picture_that_is_posted_again_is_a_new_one(jobs: Jobs) -> None:
    where = conversation()
    await bring(jobs, question(where), b"one")
    await jobs.eraser.drop_picture(where, 1)
    (again,) = await bring(jobs, question(where), b"one", first=2)
    assert await shown(jobs, where) == [2]
    assert await has(jobs, again)


async def test_forgetting_its_question_forgets_that_a_picture_was_dropped(jobs: Jobs) -> None:
    where = conversation()
    asked, other = question(where), question(where)
    await bring(jobs, asked, b"one")
    await bring(jobs, other, b"two", first=2)
    await jobs.eraser.drop_picture(where, 1)
    await jobs.eraser.drop_picture(where, 2)
    await jobs.conversations.forget_source(where, asked.source)
    assert [picture.number for picture in (await jobs.conversations.load(where)).dropped] == [2]
    await jobs.conversations.forget(where)
    assert (await jobs.conversations.load(where)).dropped == ()


async def test_the_bytes_of_a_picture_posted_again_go_with_the_question_that_posted_it(jobs: Jobs) -> None:
    where = conversation()
    await bring(jobs, question(where), b"one")
    await jobs.eraser.drop_picture(where, 1)
    posted_again = question(where)
    (again,) = await bring(jobs, posted_again, b"one", first=2)
    assert (await jobs.conversations.forget_source(where, posted_again.source)).pictures == 1
    assert not await has(jobs, again)


# ------------------------------------------------------------ a picture that came again


async def test_a_picture_that_came_again_is_shown_and_can_be_dropped_when_the_question_that_brought_it_is_gone(
    jobs: Jobs,
) -> None:
    where = conversation()
    await bring(jobs, question(where), b"bob's")
    anns = question(where, asker="ann")
    (picture,) = await bring(jobs, anns, b"ann's", first=2)
    await bring_again(jobs, question(where, asker="bob"), picture)
    assert await shown(jobs, where) == [1, 2]
    await jobs.conversations.forget_source(where, anns.source)
    assert await shown(jobs, where) == [1, 2]
    assert await jobs.eraser.drop_picture(where, 2) == picture
    assert await shown(jobs, where) == [1]
    assert not await has(jobs, picture)


async def test_a_dropped_picture_that_came_again_stays_out_when_the_question_that_brought_it_is_gone(
    jobs: Jobs,
) -> None:
    where = conversation()
    asked = question(where)
    (picture,) = await bring(jobs, asked, b"one")
    await bring_again(jobs, question(where), picture)
    await jobs.eraser.drop_picture(where, 1)
    await jobs.conversations.forget_source(where, asked.source)
    loaded = await jobs.conversations.load(where)
    assert (loaded.pictures, [dropped.number for dropped in loaded.dropped]) == ((), [1])


# ------------------------------------------------------------ what was deleted where it came from


async def put(jobs: Jobs, where: ConversationId, origin: str) -> Picture:
    return picture(await jobs.pictures.put(where, origin.encode()), origin=origin)


@pytest.mark.parametrize("state", ["taken in", "waiting", "running"])
async def test_a_question_under_way_is_answered_without_a_picture_that_was_deleted(jobs: Jobs, state: str) -> None:
    where = conversation()
    asked = question(where, source="m/1", origins=["C1/40/1", "C1/400/1"])
    await jobs.queue_in.submit(asked, holder="bot")
    deleted, left = [await put(jobs, where, ref.origin) for ref in asked.references]
    if state == "taken in":
        await jobs.eraser.drop_origin(where, "C1/40")
    await jobs.queue_in.attach(asked.id, [deleted, left])
    if state == "waiting":
        await jobs.eraser.drop_origin(where, "C1/40")
    claim = await claim_one(jobs)
    if state == "running":
        await jobs.eraser.drop_origin(where, "C1/40")
        with pytest.raises(RestsOnForgotten):
            await answer(jobs, claim)
    assert (await jobs.conversations.load(where)).leaves("m/1", claim.pictures) == (left,)
    await answer_anew(jobs, claim)
    assert [await has(jobs, picture) for picture in (deleted, left)] == [False, True]


async def test_what_was_deleted_goes_from_the_turns_that_show_it(jobs: Jobs) -> None:
    where = conversation()
    deleted, left = await bring(jobs, question(where), b"one", b"two")
    await jobs.eraser.drop_origin(where, deleted.ref.origin)
    assert await shown(jobs, where) == [2]
    assert [await has(jobs, picture) for picture in (deleted, left)] == [False, True]


async def test_a_deleted_file_stops_nobody_and_another_answer_in_the_making_begins_anew_without_it(jobs: Jobs) -> None:
    where = conversation()
    (deleted,) = await bring(jobs, question(where, asker="ann"), b"one")
    asked = await ask(jobs, question(where, asker="bob"))
    claim = await claim_one(jobs)
    await jobs.queue_out.publish(claim, Delta(attempt=1, offset=0, text="as the picture says"))
    await jobs.eraser.drop_origin(where, deleted.ref.origin)
    assert (await jobs.queue_out.heartbeat(worker="A", claims=[claim])).cancellations == ()
    with pytest.raises(RestsOnForgotten):
        await answer(jobs, claim, "as the picture says")
    await answer_anew(jobs, claim, "a cat")
    events = [event async for event in jobs.answers.follow(asked)]
    assert events[-1] == Done(text="a cat")
    assert "picture" not in str(events)


async def test_the_same_picture_of_another_file_is_there_for_the_question_under_way_that_brings_it(jobs: Jobs) -> None:
    where = conversation()
    (deleted,) = await bring(jobs, question(where, asker="ann"), b"one")
    bobs = question(where, asker="bob", origins=["F2"])
    await jobs.queue_in.submit(bobs, holder="bot")
    await jobs.queue_in.attach(bobs.id, [picture(deleted.digest, origin="F2")])
    claim = await claim_one(jobs)
    await jobs.eraser.drop_origin(where, deleted.ref.origin)
    assert await has(jobs, deleted)
    await answer_anew(jobs, claim)
    await jobs.conversations.forget_source(where, bobs.source)
    assert not await has(jobs, deleted)


async def test_of_an_answer_that_was_stopped_no_word_is_kept_that_rests_on_what_was_forgotten(jobs: Jobs) -> None:
    where = conversation()
    await bring(jobs, question(where), b"one")
    asked = await ask(jobs, question(where))
    claim = await claim_one(jobs)
    await jobs.queue_out.publish(claim, Delta(attempt=1, offset=0, text="as the picture says"))
    await jobs.eraser.drop_picture(where, 1)
    stopped = Cancelled(reason="stopped", text="as the picture says")
    await jobs.queue_out.commit(claim, stopped, turn_of(claim.job, stopped.text))
    events = [event async for event in jobs.answers.follow(asked)]
    assert events[-1] == Cancelled(reason="stopped")
    assert "picture" not in str(events)
    assert [turn.answer for turn in (await jobs.conversations.load(where)).turns] == ["cats"]


async def test_words_of_a_lost_attempt_are_taken_back_when_a_picture_that_they_may_rest_on_is_dropped(
    open_store: OpenStore,
) -> None:
    store: Store = await open_store(lease_s=0.2)
    jobs, where = store.jobs, conversation()
    await bring(jobs, question(where), b"one")
    asked = await ask(jobs, question(where))
    claim = await claim_one(jobs)
    await jobs.queue_out.publish(claim, Delta(attempt=1, offset=0, text="as the picture says"))
    await store.pass_lease()
    await jobs.reaper.reap()
    await jobs.eraser.drop_picture(where, 1)  # nobody answers it just now
    await answer(jobs, await claim_one(jobs, "B"), "nothing")
    assert [event async for event in jobs.answers.follow(asked)] == [
        Started(attempt=1),
        Delta(attempt=1, offset=0, text=""),
        Started(attempt=2),
        Done(text="nothing"),
    ]


async def test_a_later_question_may_bring_what_was_deleted_elsewhere(jobs: Jobs) -> None:
    where = conversation()
    first, later = question(where, origins=["F1"]), question(where, origins=["F1"])
    await jobs.queue_in.submit(first, holder="bot")
    await jobs.eraser.drop_origin(where, "F1")
    await jobs.queue_in.submit(later, holder="bot")
    shared = await put(jobs, where, "F1")
    await jobs.queue_in.attach(first.id, [shared])
    await jobs.queue_in.attach(later.id, [shared])
    loaded = await jobs.conversations.load(where)
    assert [loaded.leaves(asked.source, [shared]) for asked in (first, later)] == [(), (shared,)]
    assert await has(jobs, shared)


async def test_a_deletion_that_concerns_nobody_interrupts_nobody(jobs: Jobs) -> None:
    where = conversation()
    await ask(jobs, question(where, origins=["F1"]))
    claim = await claim_one(jobs)
    await jobs.eraser.drop_origin(where, "F2")
    await jobs.eraser.drop_origin(conversation(), "F1")
    await answer(jobs, claim)
    assert (await jobs.queue_out.heartbeat(worker="A", claims=[])).forgotten == ()


async def test_forgetting_a_question_forgets_what_was_deleted_while_it_waited(jobs: Jobs) -> None:
    where = conversation()
    asked, other = question(where, origins=["F1"]), question(where, origins=["F1"])
    for one in (asked, other):
        await jobs.queue_in.submit(one, holder="bot")
    await jobs.eraser.drop_origin(where, "F1")
    await jobs.conversations.forget_source(where, asked.source)
    assert (await jobs.conversations.load(where)).withdrawn == {(other.source, "F1")}
    await jobs.conversations.forget(where)
    assert (await jobs.conversations.load(where)).withdrawn == frozenset()


# ------------------------------------------------------------ places


def place(tenant: str, channel: str, thread: str = "t") -> ConversationId:
    return ConversationId(platform="slack", tenant=tenant, channel=channel, thread=thread)


@pytest.mark.parametrize(
    ("channel", "left"),
    [
        (None, [place("T1:", "C1"), place("T10", "C1"), place("T2", "C1")]),
        ("C1", [place("T1", "C1:2"), place("T1", "C2"), place("T1:", "C1"), place("T10", "C1"), place("T2", "C1")]),
    ],
)
async def test_a_place_is_forgotten_whole_and_no_other(
    jobs: Jobs, channel: str | None, left: list[ConversationId]
) -> None:
    here = [place("T1", "C1"), place("T1", "C1", "t2"), place("T1", "C2"), place("T1", "C1:2")]
    others = [place("T1:", "C1"), place("T10", "C1"), place("T2", "C1")]
    for where in [*here, *others]:
        await ask(jobs, question(where))
    for _ in [*here, *others]:
        await answer(jobs, await claim_one(jobs))
    (picture,) = await bring(jobs, question(here[0]), b"one")
    forgotten = await jobs.eraser.forget_place("slack:T1", channel)
    kept = [where for where in [*here, *others] if (await jobs.conversations.load(where)).turns]
    assert sorted(kept) == sorted(left)
    gone = 7 - len(left)
    assert forgotten == Forgotten(conversations=gone, turns=gone + 1, pictures=1)
    assert not await has(jobs, picture)


async def test_forgetting_a_place_ends_what_waits_there(jobs: Jobs) -> None:
    where = place("T1", "C1")
    await ask(jobs, question(where))
    await jobs.eraser.forget_place("slack:T1")
    assert await answer_all(jobs) == []


@pytest.mark.parametrize(("channel", "marked"), [(None, [False, False]), ("C1", [False, True])])
async def test_a_place_that_is_gone_leaves_no_mark(jobs: Jobs, channel: str | None, marked: list[bool]) -> None:
    here = [place("T1", "C1"), place("T1", "C2")]
    for where in (*here, place("T2", "C1")):
        await ask(jobs, question(where))
        await jobs.conversations.forget(where)
    await ask(jobs, question(here[0]))
    await jobs.eraser.forget_place("slack:T1", channel)
    assert [(await jobs.conversations.load(where)).forgotten_at_s > 0 for where in here] == marked
    assert (await jobs.conversations.load(place("T2", "C1"))).forgotten_at_s > 0
