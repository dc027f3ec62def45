import asyncio
import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from itertools import pairwise

import msgspec
import pytest

import bot.delivery
from bot.delivery import Courier
from bot.errors import NotPosted
from jobs import AnswerEvent, AnswerReader, Cancelled, ConversationId, Delivery, Done, Failed, Job, JobId, JobKind
from jobs.errors import Fenced
from jobs.memory import MemoryJobs
from tests.bot.conftest import LEASE_S
from tests.bot.fakes import FakePlatform, FakeWorker, conversation, eventually, lost_post, mention

HOLDER = "bot A"


@dataclass
class Asked:
    """One accepted question, its delivery under way."""

    job: Job
    delivering: "asyncio.Task[None]"

    async def told(self) -> None:
        async with asyncio.timeout(5):
            await self.delivering


Ask = Callable[..., Awaitable[Asked]]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bot.delivery, "_FIRST_LOOK_S", 0.05)
    monkeypatch.setattr(bot.delivery, "_POSITION_INTERVAL_S", 0.02)
    monkeypatch.setattr(bot.delivery, "_FIRST_RETRY_S", 0.01)


@pytest.fixture
def courier(jobs: MemoryJobs) -> Courier:
    return courier_of(jobs)


def courier_of(jobs: MemoryJobs, *, holder: str = HOLDER, give_up_s: float = 60.0) -> Courier:
    return Courier(
        holder=holder,
        queue=jobs.queue_in,
        answers=jobs.answers,
        replies=jobs.replies,
        monitor=jobs.monitor,
        give_up_s=give_up_s,
    )


@pytest.fixture
def ask(jobs: MemoryJobs, courier: Courier, platform: FakePlatform) -> Ask:
    async def ask_and_deliver(
        text: str = "what is this?",
        *,
        ready: bool = True,
        kind: JobKind = JobKind.ASK,
        where: ConversationId | None = None,
    ) -> Asked:
        job = mention(text, kind=kind, where=where).as_job(patience_s=600.0)
        submission = await jobs.queue_in.submit(job, holder=HOLDER, ready=ready)
        delivering = asyncio.create_task(courier.deliver(Delivery(job=submission.job), platform))
        return Asked(submission.job, delivering)

    return ask_and_deliver


async def is_owed(jobs: MemoryJobs) -> bool:
    jobs.clock.advance(LEASE_S + 1)
    return bool(await jobs.replies.adopt(holder="somebody else", platforms=["fake"]))


async def test_the_words_come_as_they_are_written_and_the_end_stands_alone(
    ask: Ask, platform: FakePlatform, worker: FakeWorker, jobs: MemoryJobs
) -> None:
    asked = await ask()
    claim = await worker.claim()
    await worker.say(claim, "A red")
    await eventually(lambda: platform.texts == ["A red"])
    await worker.say(claim, " flag", after="A red")
    await eventually(lambda: platform.texts == ["A red flag"])
    await worker.finish(claim, "A red flag.")
    await asked.told()
    assert platform.texts == ["A red flag."]
    assert not await is_owed(jobs)


async def test_whoever_waits_sees_a_placeholder_at_once_and_then_how_the_line_moves(
    ask: Ask, platform: FakePlatform, worker: FakeWorker
) -> None:
    await ask("first")
    await ask("second")
    third = await ask("third")
    await eventually(lambda: "[3rd in line]" in platform.texts)
    claim = await worker.claim()
    await eventually(lambda: "[2nd in line]" in platform.texts and "[Looking ...]" in platform.texts)
    await worker.finish(claim, "one")
    await worker.answer("two")
    await eventually(lambda: any(text.startswith("[Next in line, about") for text in platform.texts))
    await worker.answer("three")
    await third.told()
    assert sorted(platform.texts) == ["one", "three", "two"]


async def test_a_question_that_nobody_works_on_says_so_until_a_worker_comes(
    ask: Ask, jobs: MemoryJobs, platform: FakePlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bot.delivery, "_NO_WORKER_AFTER_S", 0.05)
    asked = await ask()
    await eventually(lambda: any("No worker is running" in text for text in platform.texts))
    (claim,) = await jobs.queue_out.claim(worker="A", room=1)
    await eventually(lambda: "[Looking ...]" in platform.texts)
    await jobs.queue_out.commit(claim, Done(text="A cat."))
    await asked.delivering
    assert platform.texts == ["A cat."]


async def test_edits_keep_the_platforms_pace_and_the_end_does_not_wait_for_it(
    ask: Ask, platform: FakePlatform, worker: FakeWorker
) -> None:
    platform.edit_interval_s = 0.3
    asked = await ask()
    claim = await worker.claim()
    written = ""
    for number in range(100):
        await worker.say(claim, f"{number} ", after=written)
        written += f"{number} "
        await asyncio.sleep(0.01)
    started_s = asyncio.get_running_loop().time()
    await worker.finish(claim, written)
    await asked.told()
    assert asyncio.get_running_loop().time() - started_s < 0.25
    *edits, _final = [when_s for when_s, _ in platform.history]
    pauses = [later - earlier for earlier, later in pairwise(edits)]
    assert len(pauses) >= 2
    assert min(pauses) >= 0.29


async def test_notices_come_with_the_answer(jobs: MemoryJobs, ask: Ask, platform: FakePlatform) -> None:
    asked = await ask(ready=False)
    await jobs.queue_in.attach(asked.job.id, [], ["page.png skipped: it is a web page, not a picture."])
    await FakeWorker(jobs).answer("A flag.")
    await asked.told()
    assert platform.texts == ["A flag.\npage.png skipped: it is a web page, not a picture."]


async def test_the_end_lands_though_every_edit_before_it_failed(
    ask: Ask, platform: FakePlatform, worker: FakeWorker, jobs: MemoryJobs
) -> None:
    platform.moods = [lost_post() for _ in range(6)]
    asked = await ask()
    claim = await worker.claim()
    await worker.say(claim, "A flag")
    await eventually(lambda: len(platform.moods) <= 3)
    await worker.finish(claim, "A flag.")
    await asked.told()
    assert platform.texts == ["A flag."]
    assert not await is_owed(jobs)


async def test_an_answer_that_the_platform_does_not_take_for_long_is_owed_still(
    jobs: MemoryJobs, platform: FakePlatform, worker: FakeWorker
) -> None:
    # It used to be given up then. An outage of an hour is no reason to lose an answer: only a place that is gone is.
    platform.moods = [lost_post() for _ in range(1000)]
    job = mention().as_job(patience_s=600.0)
    await jobs.queue_in.submit(job, holder=HOLDER, ready=True)
    await worker.answer("A flag.")
    async with asyncio.timeout(5):
        with pytest.raises(NotPosted):
            await courier_of(jobs, give_up_s=0.05).deliver(Delivery(job=job), platform)
    assert platform.texts == []
    assert await is_owed(jobs)


async def test_an_answer_that_is_refused_for_good_is_not_offered_for_days(
    jobs: MemoryJobs, platform: FakePlatform, worker: FakeWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(NotPosted, "passes", False)
    platform.moods = [lost_post() for _ in range(1000)]
    job = mention().as_job(patience_s=600.0)
    await jobs.queue_in.submit(job, holder=HOLDER, ready=True)
    await worker.answer("A flag.")
    async with asyncio.timeout(5):
        await courier_of(jobs, give_up_s=0.05).deliver(Delivery(job=job), platform)
    assert not await is_owed(jobs)


async def test_a_deleted_thread_ends_the_delivery_in_peace(
    ask: Ask, platform: FakePlatform, worker: FakeWorker, jobs: MemoryJobs
) -> None:
    platform.is_closed = True
    asked = await ask()
    await worker.answer("A flag.")
    await asked.told()
    assert platform.texts == []
    assert not await is_owed(jobs)


async def test_a_failure_is_told_in_its_own_words(ask: Ask, platform: FakePlatform, jobs: MemoryJobs) -> None:
    asked = await ask()
    await jobs.queue_in.end(asked.job.id, Failed(code="model_gone", advice="The model is away. Please ask again."))
    await asked.told()
    assert platform.texts == ["The model is away. Please ask again."]


async def test_nobody_waits_for_ever(ask: Ask, platform: FakePlatform, jobs: MemoryJobs) -> None:
    asked = await ask()
    jobs.clock.advance(601)
    await jobs.reaper.reap()
    await asked.told()
    assert platform.texts == ["Nobody got to this question within 600 s, so it was given up. Please ask again."]


async def test_a_stopped_answer_keeps_its_beginning(
    ask: Ask, platform: FakePlatform, worker: FakeWorker, jobs: MemoryJobs
) -> None:
    asked = await ask()
    claim = await worker.claim()
    await jobs.queue_out.commit(claim, Cancelled(reason="stopped", text="A red"))
    await asked.told()
    assert platform.texts == ["A red\nStopped."]


async def test_a_superseded_question_says_nothing_more(
    ask: Ask, platform: FakePlatform, jobs: MemoryJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.delivery._POSITION_INTERVAL_S", 60.0)  # how it stands is looked up once
    asked = await ask()
    await eventually(lambda: platform.texts == ["[Next in line]"])
    await jobs.queue_in.end(asked.job.id, Cancelled(reason="superseded"))
    await asked.told()
    assert platform.texts == ["[Next in line]"]
    assert platform.endings == []


class FarAway:
    """Answers as over a network: what was said comes a moment later."""

    def __init__(self, answers: AnswerReader) -> None:
        self._answers = answers

    async def follow(self, job: JobId) -> AsyncIterator[AnswerEvent]:
        await asyncio.sleep(0.01)
        async for event in self._answers.follow(job):
            yield event


async def test_whoever_takes_a_delivery_over_says_nothing_before_it_knows_what_was_said(
    jobs: MemoryJobs, platform: FakePlatform, worker: FakeWorker
) -> None:
    far_away = dataclasses.replace(jobs, answers=FarAway(jobs.answers))
    job = mention().as_job(patience_s=600.0)
    await jobs.queue_in.submit(job, holder=HOLDER, ready=True)
    claim = await worker.claim()
    await worker.say(claim, "A red flag")
    delivering = asyncio.create_task(courier_of(far_away).deliver(Delivery(job=job), platform))
    await eventually(lambda: platform.texts)
    await jobs.queue_in.submit(msgspec.structs.replace(job, revision=1), holder=HOLDER)
    await jobs.queue_out.commit(claim, Cancelled(reason="superseded"))
    await delivering
    assert [text for _, text in platform.history] == ["A red flag"]
    await courier_of(far_away).deliver(Delivery(job=job), platform)  # the newer revision speaks in the same place
    assert [text for _, text in platform.history] == ["A red flag"]


async def test_a_second_attempt_does_not_take_back_words(
    ask: Ask, platform: FakePlatform, worker: FakeWorker, jobs: MemoryJobs
) -> None:
    asked = await ask()
    first = await worker.claim()
    await worker.say(first, "A red flag")
    await eventually(lambda: platform.texts == ["A red flag"])
    jobs.clock.advance(LEASE_S + 1)  # the worker is lost
    await jobs.reaper.reap()
    await jobs.replies.renew(holder=HOLDER, jobs=[asked.job.id])
    second = await FakeWorker(jobs, name="worker 2").claim()
    await worker.say(second, "A red")
    await asyncio.sleep(0.05)
    assert platform.texts == ["A red flag"]
    await worker.say(second, " flag on a pole", after="A red")
    await eventually(lambda: platform.texts == ["A red flag on a pole"])
    await worker.finish(second, "A red flag on a pole.")
    await asked.told()
    assert platform.texts == ["A red flag on a pole."]


async def test_an_answer_that_begins_anew_takes_back_what_it_said(
    ask: Ask, platform: FakePlatform, worker: FakeWorker
) -> None:
    asked = await ask()
    claim = await worker.claim()
    await worker.say(claim, "Ann's secret is")
    await worker.say(claim, " a red flag", after="Ann's secret is")
    await eventually(lambda: platform.texts == ["Ann's secret is a red flag"])
    await worker.say(claim, "A flag")
    await eventually(lambda: platform.texts == ["A flag"])
    await worker.say(claim, " on a pole", after="A flag")
    await eventually(lambda: platform.texts == ["A flag on a pole"])
    await worker.finish(claim, "A flag on a pole.")
    await asked.told()


async def test_what_rests_on_something_forgotten_is_taken_back_before_there_are_other_words(
    ask: Ask, platform: FakePlatform, worker: FakeWorker, jobs: MemoryJobs
) -> None:
    where = conversation()
    await jobs.queue_in.submit(mention(where=where, source="ann's").as_job(patience_s=600.0), holder=HOLDER, ready=True)
    await worker.answer("A secret.")
    asked = await ask(where=where)
    first = await worker.claim()
    await worker.say(first, "Ann's secret is")
    await eventually(lambda: platform.texts == ["Ann's secret is"])
    jobs.clock.advance(LEASE_S + 1)  # the worker is lost
    await jobs.reaper.reap()
    await jobs.replies.renew(holder=HOLDER, jobs=[asked.job.id])
    second = await FakeWorker(jobs, name="worker 2").claim()
    await jobs.conversations.forget_source(where, "ann's")
    await eventually(lambda: platform.texts == ["[Looking ...]"])
    await worker.finish(msgspec.structs.replace(second, epoch=(await jobs.conversations.load(where)).epoch), "A flag.")
    await asked.told()
    assert platform.texts == ["A flag."]


async def test_a_question_that_the_store_has_lost_is_told_to_be_asked_again(
    ask: Ask, platform: FakePlatform, jobs: MemoryJobs
) -> None:
    asked = await ask()
    await eventually(lambda: platform.texts == ["[Next in line]"])
    jobs.queue_in._state.records.clear()  # Redis was emptied, or came back without its last writes
    jobs.clock.ring()
    await asked.told()
    assert platform.texts == ["Nothing is known of this question any more. Please ask again."]


async def test_a_delivery_that_is_anothers_now_posts_no_end(
    ask: Ask, platform: FakePlatform, worker: FakeWorker, jobs: MemoryJobs
) -> None:
    asked = await ask()
    await eventually(lambda: platform.texts == ["[Next in line]"])
    jobs.clock.advance(LEASE_S + 1)
    assert len(await jobs.replies.adopt(holder="bot B", platforms=["fake"])) == 1
    claim = await worker.claim()
    await worker.finish(claim, "A flag.")
    with pytest.RaisesGroup(Fenced, allow_unwrapped=True, flatten_subgroups=True):
        await asked.told()
    assert platform.endings == []


async def test_an_answer_that_could_not_be_told_is_not_told_after_a_newer_revision(
    jobs: MemoryJobs, courier: Courier, platform: FakePlatform, worker: FakeWorker
) -> None:
    # The platform was away, the question was edited: the old answer landed after the new one, and stood for good.
    platform.moods = [lost_post() for _ in range(1000)]
    old = mention("what is this?").as_job(patience_s=600.0)
    await jobs.queue_in.submit(old, holder=HOLDER, ready=True)
    await worker.answer("A flag.")
    telling = asyncio.create_task(courier.deliver(Delivery(job=old), platform))
    await eventually(lambda: len(platform.moods) < 998)
    await jobs.queue_in.submit(msgspec.structs.replace(old, revision=1), holder=HOLDER, ready=True)
    platform.moods = []
    async with asyncio.timeout(5):
        with pytest.RaisesGroup(Fenced, allow_unwrapped=True, flatten_subgroups=True):
            await telling
    assert platform.texts == []


async def test_a_bug_in_showing_how_things_stand_costs_nobody_the_answer(
    ask: Ask, platform: FakePlatform, worker: FakeWorker
) -> None:
    platform.moods = [KeyError("a bug of ours")]
    asked = await ask()
    await eventually(lambda: platform.moods == [])
    await worker.answer("A flag.")
    await asked.told()
    assert platform.texts == ["A flag."]


async def test_what_was_posted_is_in_the_ledger(ask: Ask, platform: FakePlatform, jobs: MemoryJobs) -> None:
    await ask()
    await eventually(lambda: platform.texts == ["[Next in line]"])
    jobs.clock.advance(LEASE_S + 1)
    (owed,) = await jobs.replies.adopt(holder="bot B", platforms=["fake"])
    assert owed.posted == tuple(platform.messages)


async def test_a_long_answer_becomes_a_file_with_an_excerpt(
    ask: Ask, platform: FakePlatform, worker: FakeWorker
) -> None:
    platform.most_characters = 200
    answer = "```py\n" + "print('hello')\n" * 30 + "```"
    asked = await ask()
    await worker.answer(answer)
    await asked.told()
    assert platform.uploads == {"answer.md": answer.encode()}
    (text,) = platform.texts
    assert len(text) <= 200
    assert text.count("```") == 2
    assert text.endswith("(The whole answer is in the file.)")


async def test_read_text_that_is_long_becomes_a_text_file(ask: Ask, platform: FakePlatform, worker: FakeWorker) -> None:
    platform.most_characters = 200
    asked = await ask(kind=JobKind.OCR)
    await worker.answer("line\n" * 100)
    await asked.told()
    assert list(platform.uploads) == ["text.txt"]


async def test_where_no_file_can_be_posted_the_text_lands_all_the_same(
    ask: Ask, platform: FakePlatform, worker: FakeWorker, jobs: MemoryJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bot.delivery, "_FILE_PATIENCE_S", 0.05)
    platform.most_characters = 200
    platform.no_files = True
    asked = await ask()
    await worker.answer("word " * 100)
    await asked.told()
    (text,) = platform.texts
    assert text.startswith("word word")
    assert text.endswith("(The answer is longer, and no file could be posted here.)")
    assert len(text) <= 200
    assert not await is_owed(jobs)


@pytest.mark.parametrize(
    ("kind", "words"),
    [(JobKind.ASK, "The model had nothing to say."), (JobKind.OCR, "There is no text in it that I can read.")],
)
async def test_an_answer_without_a_word_is_said_to_be_one(
    ask: Ask, platform: FakePlatform, worker: FakeWorker, kind: JobKind, words: str
) -> None:
    asked = await ask(kind=kind)
    await worker.answer(" \n")
    await asked.told()
    assert platform.texts == [words]


async def test_the_end_does_not_wait_for_what_is_being_shown(
    ask: Ask, platform: FakePlatform, worker: FakeWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bot.delivery, "_LAST_SHOW_S", 0.05)
    asked = await ask()
    await eventually(lambda: platform.texts == ["[Next in line]"])
    platform.hangs_s = 60.0
    claim = await worker.claim()
    await worker.say(claim, "A red")
    await eventually(lambda: platform.hangs_s == 0.0)
    await worker.finish(claim, "A red flag.")
    await asked.told()
    assert platform.texts == ["A red flag."]


async def test_what_is_being_shown_when_the_answer_ends_may_land_and_the_end_comes_after_it(
    ask: Ask, platform: FakePlatform, worker: FakeWorker
) -> None:
    asked = await ask()
    claim = await worker.claim()
    await worker.say(claim, "A")
    await eventually(lambda: platform.texts == ["A"])
    platform.hangs_s = 0.1
    await worker.say(claim, " red", after="A")
    await eventually(lambda: platform.hangs_s == 0.0)
    await worker.finish(claim, "A red flag.")
    await asked.told()
    assert [text for _, text in platform.history][-2:] == ["A red", "A red flag."]


async def test_an_end_that_the_platform_never_answers_is_tried_again(
    ask: Ask, platform: FakePlatform, worker: FakeWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bot.delivery, "_ONE_POST_S", 0.05)
    asked = await ask()
    await eventually(lambda: platform.texts == ["[Next in line]"])
    claim = await worker.claim()
    await eventually(lambda: platform.texts == ["[Looking ...]"])
    platform.hangs_s = 60.0
    await worker.finish(claim, "A red flag.")
    await asked.told()
    assert platform.texts == ["A red flag."]
    assert len(platform.endings) == 1


async def test_a_platform_that_says_when_to_come_back_is_left_alone_until_then(
    ask: Ask, platform: FakePlatform, worker: FakeWorker
) -> None:
    asked = await ask()
    claim = await worker.claim()
    await eventually(lambda: platform.texts == ["[Looking ...]"])
    platform.moods = [NotPosted(reason="429", retry_after_s=0.3)]
    started_s = asyncio.get_running_loop().time()
    await worker.say(claim, "A red")
    await eventually(lambda: platform.texts == ["A red"])
    assert asyncio.get_running_loop().time() - started_s >= 0.3
    platform.moods = [NotPosted(reason="429", retry_after_s=0.3)] * 2
    started_s = asyncio.get_running_loop().time()
    await worker.finish(claim, "A red flag.")
    await asked.told()
    assert asyncio.get_running_loop().time() - started_s >= 0.6
    assert platform.texts == ["A red flag."]


async def test_the_end_does_not_wait_out_a_pause_that_only_an_edit_was_told_to_make(
    ask: Ask, platform: FakePlatform, worker: FakeWorker
) -> None:
    asked = await ask()
    claim = await worker.claim()
    await eventually(lambda: platform.texts == ["[Looking ...]"])
    platform.moods = [NotPosted(reason="429", retry_after_s=60.0)]
    await worker.say(claim, "A red")
    await eventually(lambda: platform.moods == [])
    await worker.finish(claim, "A red flag.")
    await asked.told()
    assert platform.texts == ["A red flag."]


async def test_the_end_lands_after_the_platform_refused_it_many_times(
    ask: Ask, platform: FakePlatform, worker: FakeWorker, jobs: MemoryJobs
) -> None:
    asked = await ask()
    claim = await worker.claim()
    await eventually(lambda: platform.texts == ["[Looking ...]"])
    platform.moods = [lost_post() for _ in range(5)]
    await worker.finish(claim, "A flag.")
    await asked.told()
    assert platform.texts == ["A flag."]
    assert len(platform.endings) == 1
    assert not await is_owed(jobs)


async def test_a_thread_deleted_in_mid_answer_ends_the_delivery(
    ask: Ask, platform: FakePlatform, worker: FakeWorker, jobs: MemoryJobs
) -> None:
    asked = await ask()
    claim = await worker.claim()
    await worker.say(claim, "A red")
    await eventually(lambda: platform.texts == ["A red"])
    platform.is_closed = True
    await worker.say(claim, " flag", after="A red")
    await worker.finish(claim, "A red flag.")
    await asked.told()
    assert platform.endings == []
    assert not await is_owed(jobs)


async def test_a_second_attempt_that_says_something_else_is_right_in_the_end(
    ask: Ask, platform: FakePlatform, worker: FakeWorker, jobs: MemoryJobs
) -> None:
    asked = await ask()
    first = await worker.claim()
    await worker.say(first, "A red flag")
    await eventually(lambda: platform.texts == ["A red flag"])
    jobs.clock.advance(LEASE_S + 1)
    await jobs.reaper.reap()
    await jobs.replies.renew(holder=HOLDER, jobs=[asked.job.id])
    second = await FakeWorker(jobs, name="worker 2").claim()
    await worker.say(second, "No flag")
    await worker.finish(second, "No flag.")
    await asked.told()
    assert platform.texts == ["No flag."]


async def test_a_late_reader_sees_the_whole_answer(
    jobs: MemoryJobs, courier: Courier, platform: FakePlatform, worker: FakeWorker
) -> None:
    job = mention().as_job(patience_s=600.0)
    await jobs.queue_in.submit(job, holder=HOLDER, ready=True)
    await worker.answer("A flag.")
    await courier.deliver(Delivery(job=job), platform)
    assert platform.texts == ["A flag."]
    assert platform.endings == [Done(text="A flag.")]


async def test_a_refusal_that_the_platform_does_not_take_is_let_be(courier: Courier, platform: FakePlatform) -> None:
    platform.moods = [lost_post()]
    await courier.refuse(mention().as_job(patience_s=60.0), platform, Failed(code="rate_limited", advice="Later."))
    assert platform.texts == []
