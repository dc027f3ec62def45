import asyncio

import pytest

import bot.app
import bot.delivery
import bot.settings
from jobs import Cancelled, Job, JobKind, PictureRef
from jobs.errors import StoreUnavailable
from jobs.memory import MemoryJobs, open_memory
from jobs.settings import StoreSettings
from tests.bot.conftest import LEASE_S, Chat, OpenChat
from tests.bot.fakes import FakePlatform, FakeReply, FakeWorker, conversation, eventually, lost_post, mention
from tests.bot.pictures import png

ARCHIVE = b"PK\x03\x04" * 20


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bot.delivery, "_POSITION_INTERVAL_S", 0.02)
    monkeypatch.setattr(bot.delivery, "_FIRST_RETRY_S", 0.01)


async def settled(chat: Chat, job: Job | None) -> None:
    assert job is not None
    async with asyncio.timeout(5):
        await chat.responder.settled(job.id)


async def test_a_question_with_a_picture_is_answered_in_its_thread(
    chat: Chat, worker: FakeWorker, platform: FakePlatform
) -> None:
    platform.files["a.png"] = png()
    job = await chat.responder.respond(mention("what is this?", "a.png"))
    claim = await worker.answer("A flag.")
    await settled(chat, job)
    assert (claim.job.text, [picture.name for picture in claim.pictures]) == ("what is this?", ["a.png"])
    assert platform.texts == ["A flag."]


async def test_the_asker_sees_how_things_stand_while_pictures_come_in(chat: Chat, platform: FakePlatform) -> None:
    platform.files["a.png"] = png() * 10
    platform.pause_s = 1.0
    await chat.responder.respond(mention("what is this?", "a.png"))
    await eventually(lambda: platform.texts == ["[Next in line]"])


async def test_verdicts_go_to_the_worker_and_come_back_under_the_answer(
    chat: Chat, worker: FakeWorker, platform: FakePlatform
) -> None:
    platform.files = {"a.png": png(), "b.png": ARCHIVE}
    job = await chat.responder.respond(mention("what is this?", "a.png", "b.png"))
    await worker.answer("A flag.")
    await settled(chat, job)
    assert platform.texts == ["A flag.\nb.png skipped: it is a zip archive or an office document, not a picture."]


async def test_when_no_picture_is_left_the_asker_reads_why(chat: Chat, platform: FakePlatform) -> None:
    platform.files = {"a.png": ARCHIVE}
    job = await chat.responder.respond(mention("what is this?", "a.png", "b.png"))
    await settled(chat, job)
    assert platform.texts[0].split(". ") == [
        "a.png skipped: it is a zip archive or an office document, not a picture",
        "b.png skipped: it cannot be fetched (it was deleted)",
        "No picture is left to answer about.",
    ]


async def test_a_question_in_words_needs_no_picture(chat: Chat, worker: FakeWorker, platform: FakePlatform) -> None:
    job = await chat.responder.respond(mention("what can you do?"))
    await worker.answer("Look at pictures.")
    await settled(chat, job)
    assert platform.texts == ["Look at pictures."]


async def test_asking_nothing_is_refused_in_words(chat: Chat, platform: FakePlatform, jobs: MemoryJobs) -> None:
    assert await chat.responder.respond(mention("  ")) is None
    assert platform.texts == ["Nothing was asked. Please write a question, or send a picture."]
    assert await jobs.queue_out.claim(worker="w", room=9) == []


async def test_whoever_is_not_admitted_is_told_and_nothing_is_accepted(
    open_bot: OpenChat, platform: FakePlatform, jobs: MemoryJobs
) -> None:
    async with open_bot(deny_users="ann") as chat:
        assert await chat.responder.respond(mention(asker="ann")) is None
        assert platform.texts == ["You may not ask here. Whoever runs this bot decides who may, and where."]
        assert await jobs.queue_out.claim(worker="w", room=9) == []


async def test_a_full_queue_is_told_at_once(platform: FakePlatform) -> None:
    jobs = open_memory(StoreSettings(max_waiting=1, lease_s=LEASE_S))
    async with bot.app.open_chat(bot.settings.BotSettings(), jobs, frontends=[platform], lease_s=LEASE_S) as responder:
        assert await responder.respond(mention("first")) is not None
        assert await responder.respond(mention("second")) is None
    assert "The queue is full (1 questions are waiting). Please ask again in a few minutes." in platform.texts


async def test_a_retried_event_is_answered_once(chat: Chat, worker: FakeWorker, platform: FakePlatform) -> None:
    asked = mention("what is this?", source="event 1")
    jobs = await asyncio.gather(*(chat.responder.respond(asked) for _ in range(3)))
    await worker.answer("A flag.")
    await settled(chat, jobs[0])
    assert await chat.responder.respond(asked) == jobs[0]
    assert len({job.id for job in jobs}) == 1
    assert len(platform.messages) == len(platform.endings) == 1


async def test_questions_of_one_thread_are_answered_in_order_whatever_their_pictures_take(
    chat: Chat, worker: FakeWorker, platform: FakePlatform
) -> None:
    where = conversation()
    platform.files["large.png"] = png() + bytes(20_000)
    platform.pause_s = 0.01
    first = await chat.responder.respond(mention("first", "large.png", where=where))
    second = await chat.responder.respond(mention("second", where=where))
    assert (await worker.answer("one")).job.text == "first"
    assert (await worker.answer("two")).job.text == "second"
    await settled(chat, first)
    await settled(chat, second)
    assert platform.texts == ["one", "two"]


async def test_stop_ends_a_waiting_question_at_once(chat: Chat, platform: FakePlatform, jobs: MemoryJobs) -> None:
    job = await chat.responder.respond(mention())
    assert await chat.responder.stop(job.id)
    await settled(chat, job)
    assert platform.texts[0].strip() == "Stopped."
    assert await jobs.queue_out.claim(worker="w", room=9) == []
    assert not await chat.responder.stop(job.id)


async def test_a_question_taken_back_is_spoken_of_no_more(
    open_bot: OpenChat, platform: FakePlatform, jobs: MemoryJobs
) -> None:
    async with open_bot() as chat:
        job = await chat.responder.respond(mention())
        await eventually(lambda: platform.texts == ["[Next in line]"])
        await chat.responder.withdraw(job.id)
    jobs.clock.advance(LEASE_S + 1)
    async with open_bot() as chat:
        await settled(chat, job)
    assert platform.texts == ["[Next in line]"]
    assert await jobs.queue_out.claim(worker="w", room=9) == []


async def test_a_bot_killed_in_mid_intake_is_resumed_by_the_next(
    open_bot: OpenChat, platform: FakePlatform, worker: FakeWorker, jobs: MemoryJobs
) -> None:
    platform.files["a.png"] = png()
    platform.pause_s = 60.0
    async with open_bot() as killed:
        job = await killed.responder.respond(mention("what is this?", "a.png"))
        await eventually(lambda: platform.texts == ["[Next in line]"])
    assert await jobs.queue_out.claim(worker="w", room=9) == []
    platform.pause_s = 0.0
    jobs.clock.advance(LEASE_S + 1)
    async with open_bot() as restarted:
        claim = await worker.answer("A flag.")
        await settled(restarted, job)
    assert [picture.name for picture in claim.pictures] == ["a.png"]
    assert platform.texts == ["A flag."]


async def test_a_bot_killed_in_mid_answer_leaves_one_answer_in_the_same_place(
    open_bot: OpenChat, platform: FakePlatform, worker: FakeWorker, jobs: MemoryJobs
) -> None:
    async with open_bot() as killed:
        job = await killed.responder.respond(mention())
        claim = await worker.claim()
        await worker.say(claim, "A red")
        await eventually(lambda: platform.texts == ["A red"])
    await worker.finish(claim, "A red flag.")
    platform.slots.clear()  # not even the platform remembers the nonce: the ledger must know the message
    jobs.clock.advance(LEASE_S + 1)
    async with open_bot() as restarted:
        await settled(restarted, job)
    jobs.clock.advance(LEASE_S + 1)
    async with open_bot() as once_more:
        await settled(once_more, job)
    assert platform.texts == ["A red flag."]
    assert len(platform.endings) == 1


async def test_nothing_is_adopted_while_its_holder_lives(
    open_bot: OpenChat, platform: FakePlatform, worker: FakeWorker, jobs: MemoryJobs
) -> None:
    async with open_bot() as first:
        job = await first.responder.respond(mention())
        for _ in range(5):
            jobs.clock.advance(LEASE_S / 2)
            await first.responder._custody.renew()
            async with open_bot() as second:
                await second.responder.adopt()
                assert second.responder._custody._held == {}
        await worker.answer("A flag.")
        await settled(first, job)
    assert len(platform.endings) == 1


async def test_however_many_answers_a_dead_bot_owes_the_next_one_sees_to_all_of_them_at_once(
    open_bot: OpenChat, jobs: MemoryJobs
) -> None:
    owed = [mention().as_job(patience_s=600.0) for _ in range(250)]
    for job in owed:
        await jobs.queue_in.submit(job, holder="a dead bot", ready=True)
    jobs.clock.advance(LEASE_S + 1)
    async with open_bot() as successor:
        assert {*successor.responder._custody._held} == {job.id for job in owed}


async def test_a_bot_that_was_frozen_finds_its_delivery_taken_and_stays_silent(
    open_bot: OpenChat, platform: FakePlatform, worker: FakeWorker, jobs: MemoryJobs
) -> None:
    async with open_bot() as frozen:
        job = await frozen.responder.respond(mention())
        await eventually(lambda: platform.texts == ["[Next in line]"])
        jobs.clock.advance(LEASE_S + 1)
        async with open_bot() as other:
            await frozen.responder._custody.renew()
            await settled(frozen, job)
            assert platform.endings == []
            await worker.answer("A flag.")
            await settled(other, job)
    assert platform.texts == ["A flag."]
    assert len(platform.endings) == 1


async def test_a_lease_of_our_own_that_ran_out_is_taken_again_without_a_second_delivery(
    chat: Chat, platform: FakePlatform, worker: FakeWorker, jobs: MemoryJobs
) -> None:
    job = await chat.responder.respond(mention())
    await eventually(lambda: platform.texts == ["[Next in line]"])
    jobs.clock.advance(LEASE_S + 1)
    await chat.responder.adopt()
    await worker.answer("A flag.")
    await settled(chat, job)
    assert len(platform.endings) == 1


async def test_a_bug_in_the_intake_ends_the_question_and_is_told(
    open_bot: OpenChat, platform: FakePlatform, jobs: MemoryJobs
) -> None:
    platform.files["a.png"] = ZeroDivisionError("a bug of the front end")
    async with open_bot() as chat:
        job = await chat.responder.respond(mention("what is this?", "a.png"))
        await settled(chat, job)
        jobs.clock.advance(LEASE_S + 1)
        await chat.responder.adopt()
        await settled(chat, job)
    assert platform.texts == ["Something went wrong on our side, and the log says what. Please ask again."]


async def test_a_bug_in_a_reply_does_not_come_back_for_ever(
    open_bot: OpenChat, platform: FakePlatform, jobs: MemoryJobs, worker: FakeWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a bug of the front end")

    monkeypatch.setattr(FakeReply, "finish", broken)
    async with open_bot() as chat:
        job = await chat.responder.respond(mention())
        await worker.answer("A flag.")
        await settled(chat, job)
        jobs.clock.advance(LEASE_S + 1)
        assert await jobs.replies.adopt(holder="anybody", platforms=["fake"]) == []


async def test_a_store_that_goes_away_puts_the_delivery_off(
    open_bot: OpenChat, platform: FakePlatform, jobs: MemoryJobs, worker: FakeWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object, **__: object) -> None:
        raise StoreUnavailable(reason="no connection")

    async with open_bot() as chat:
        with monkeypatch.context() as patched:
            patched.setattr(type(jobs.queue_in), "position", away)
            job = await chat.responder.respond(mention())
            await settled(chat, job)
        assert platform.texts == []
        jobs.clock.advance(LEASE_S + 1)
        await chat.responder.adopt()
        await worker.answer("A flag.")
        await settled(chat, job)
    assert platform.texts == ["A flag."]


async def test_a_post_whose_response_was_lost_is_not_doubled(
    chat: Chat, platform: FakePlatform, worker: FakeWorker
) -> None:
    platform.losing = 2  # the placeholder's and the answer's
    job = await chat.responder.respond(mention())
    await worker.answer("A flag.")
    await settled(chat, job)
    assert platform.texts == ["A flag."]


async def test_an_answer_is_told_when_the_platform_is_back_after_it_was_away_for_too_long(
    open_bot: OpenChat, worker: FakeWorker, platform: FakePlatform, jobs: MemoryJobs
) -> None:
    async with open_bot(give_up_s=0.05) as chat:
        job = await chat.responder.respond(mention())
        await eventually(lambda: platform.texts)
        platform.moods = [lost_post() for _ in range(1000)]
        await worker.answer("A flag.")
        await settled(chat, job)
        platform.moods = []
        jobs.clock.advance(LEASE_S + 1)
        await chat.responder.adopt()
        await settled(chat, job)
    assert platform.texts == ["A flag."]


async def test_many_conversations_are_each_answered_once(
    chat: Chat, platform: FakePlatform, worker: FakeWorker
) -> None:
    questions = [mention(f"question {number}", asker=f"person {number}") for number in range(60)]
    asked = [await chat.responder.respond(question) for question in questions]
    for _ in questions:
        claim = await worker.claim()
        await worker.finish(claim, f"answer to {claim.job.text}")
    for job in asked:
        await settled(chat, job)
    assert sorted(platform.texts) == sorted(f"answer to {question.text}" for question in questions)


async def test_tasks_reach_the_worker_with_their_kind_and_crops(
    chat: Chat, platform: FakePlatform, worker: FakeWorker
) -> None:
    platform.files["a.png"] = png()
    await chat.responder.respond(mention("", "a.png", kind=JobKind.OCR))
    claim = await worker.claim()
    assert claim.job.kind is JobKind.OCR
    assert [picture.max_crops for picture in claim.pictures] == [16]
    assert claim.pictures[0].ref == PictureRef(platform="fake", origin="a.png", name="a.png")


async def test_a_retried_event_joins_the_first_however_often_its_asker_may_ask(
    open_bot: OpenChat, worker: FakeWorker, platform: FakePlatform
) -> None:
    async with open_bot(user_burst=1, user_per_minute=1) as chat:
        asked = mention(source="event 1")
        job = await chat.responder.respond(asked)
        assert await chat.responder.respond(asked) == job
        assert await chat.responder.respond(mention(source="event 2")) is None
        await worker.answer("A flag.")
        await settled(chat, job)
    assert sorted(platform.texts) == [
        "A flag.",
        "That is faster than this bot may be asked. Please try again in 60 s.",
    ]


async def test_addresses_in_a_question_are_left_alone_unless_they_are_allowed(
    chat: Chat, worker: FakeWorker, platform: FakePlatform
) -> None:
    job = await chat.responder.respond(mention("what is https://example.com/a.png?"))
    claim = await worker.answer("An address.")
    await settled(chat, job)
    assert claim.job.references == ()
    assert platform.texts == ["An address."]


async def test_where_addresses_are_allowed_their_pictures_are_taken_in_from_the_public_internet_only(
    open_bot: OpenChat, worker: FakeWorker, platform: FakePlatform
) -> None:
    async with open_bot(allow_urls=True) as chat:
        platform.files["a.png"] = png()
        job = await chat.responder.respond(mention("and http://127.0.0.1/b.png?", "a.png"))
        claim = await worker.answer("A flag.")
        await settled(chat, job)
    assert [picture.name for picture in claim.pictures] == ["a.png"]
    assert platform.texts == [
        "A flag.\nhttp://127.0.0.1/b.png skipped: it cannot be fetched (127.0.0.1 is not on the public internet)."
    ]


async def test_an_answer_is_stopped_when_a_picture_that_it_may_look_at_is_dropped(
    chat: Chat, worker: FakeWorker, platform: FakePlatform, jobs: MemoryJobs
) -> None:
    where = conversation()
    platform.files["a.png"] = png()
    first = await chat.responder.respond(mention("what is this?", "a.png", where=where))
    await worker.answer("A flag.")
    await settled(chat, first)
    second = await chat.responder.respond(mention("and its colours?", where=where))
    claim = await worker.claim()
    await jobs.eraser.drop_picture(where, 1)
    (cancellation,) = (await jobs.queue_out.heartbeat(worker=worker.name, claims=[claim])).cancellations
    await jobs.queue_out.commit(claim, Cancelled(reason=cancellation.reason, text="Red and"))
    await settled(chat, second)
    assert platform.texts == ["A flag.", "\nStopped."]  # the words rest on it
