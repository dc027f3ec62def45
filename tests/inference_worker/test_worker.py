import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from inference_worker.answer_engine import Answered, Text
from inference_worker.dialogue import Dialogue
from inference_worker.history import NO_PICTURE
from jobs import (
    AnswerEvent,
    Cancelled,
    ConversationId,
    Delta,
    Done,
    Failed,
    Job,
    JobId,
    Picture,
    PictureRef,
    Pulse,
    Started,
    Usage,
)
from jobs.errors import PictureGone
from jobs.memory import MemoryJobs, open_memory
from jobs.settings import StoreSettings
from tests.inference_worker.scripted_engine import ScriptedEngine
from tests.inference_worker.workers import build_worker

HERE = ConversationId(platform="shell", tenant="local", channel="desk", thread="1")


def question(text: str, source: str = "q1", **more: object) -> Job:
    return msgspec.structs.replace(Job(conversation=HERE, source=source, text=text), **more)


@pytest.fixture(autouse=True)
def _prompt_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inference_worker.worker.CLAIM_WAIT_S", 0.05)


@pytest.fixture
def engine() -> ScriptedEngine:
    return ScriptedEngine()


@pytest.fixture
def jobs() -> MemoryJobs:
    return open_memory(StoreSettings())


@asynccontextmanager
async def working(jobs: MemoryJobs, engine: ScriptedEngine, *, name: str = "A", room: int = 4) -> AsyncIterator[None]:
    worker = build_worker(jobs, engine, name=name, room=room)
    stopping = asyncio.Event()
    task = asyncio.create_task(worker.run(stopping))
    try:
        yield
    finally:
        stopping.set()
        await asyncio.wait_for(task, 5)


async def events(jobs: MemoryJobs, job: JobId) -> list[AnswerEvent]:
    return [event async for event in jobs.answers.follow(job)]


async def until(condition: Callable[[], bool | Awaitable[bool]]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)


async def test_a_question_is_answered_and_joins_the_history(jobs: MemoryJobs, engine: ScriptedEngine) -> None:
    asked = question("one two three")
    await jobs.queue_in.submit(asked, holder="bot", ready=True)
    async with working(jobs, engine):
        told = await events(jobs, asked.id)
    assert told[0] == Started(attempt=1)
    assert "".join(event.text for event in told if isinstance(event, Delta)).startswith("one ")
    assert isinstance(told[-1], Done)
    assert (told[-1].text, told[-1].notices, told[-1].usage.new_tokens) == ("one two three", (NO_PICTURE, "noted"), 3)
    (turn,) = (await jobs.conversations.load(HERE)).turns
    assert (turn.question, turn.answer, turn.token_ids) == ("one two three", "one two three", (1, 2, 3))


async def test_the_verdicts_of_intake_are_told_beside_the_answer(jobs: MemoryJobs, engine: ScriptedEngine) -> None:
    asked = question("one two")
    await jobs.queue_in.submit(asked, holder="bot")
    await jobs.queue_in.attach(asked.id, [], ["clip.mp4 skipped: 14 MB, the limit is 10."])
    async with working(jobs, engine):
        told = await events(jobs, asked.id)
    assert told[-1].notices == ("clip.mp4 skipped: 14 MB, the limit is 10.", NO_PICTURE, "noted")


async def test_many_conversations_are_answered_at_once_up_to_the_room(jobs: MemoryJobs, engine: ScriptedEngine) -> None:
    engine.hold.clear()
    asked = [
        question("one two", source=f"q{n}", conversation=msgspec.structs.replace(HERE, thread=str(n))) for n in range(5)
    ]
    for one in asked:
        await jobs.queue_in.submit(one, holder="bot", ready=True)
    async with working(jobs, engine, room=3):
        await until(lambda: engine.at_once == 3)
        engine.hold.set()
        endings = [(await events(jobs, one.id))[-1] for one in asked]
    assert all(isinstance(ending, Done) for ending in endings)
    assert engine.most_at_once == 3


async def test_stop_ends_a_running_answer_with_what_was_written(jobs: MemoryJobs, engine: ScriptedEngine) -> None:
    engine.hold.clear()
    asked = question("one two three")
    await jobs.queue_in.submit(asked, holder="bot", ready=True)
    async with working(jobs, engine):
        await until(lambda: engine.at_once == 1)
        await jobs.queue_in.end(asked.id, Cancelled(reason="stopped"))
        told = await events(jobs, asked.id)
    assert told[-1] == Cancelled(reason="stopped", text="one")
    assert engine.stopped_early == 1
    assert (await jobs.conversations.load(HERE)).turns[0].answer == "one"


@pytest.mark.parametrize("superseded", [False, True])
async def test_a_second_answer_that_ends_before_its_first_word_leaves_the_first(
    jobs: MemoryJobs, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch, *, superseded: bool
) -> None:
    first, again = question("one two three"), question("one two three", revision=1)
    async with working(jobs, engine):
        await jobs.queue_in.submit(first, holder="bot", ready=True)
        await events(jobs, first.id)
        silent: list[Dialogue] = []

        async def say_nothing(dialogue: Dialogue) -> AsyncGenerator[Text | Answered]:
            silent.append(dialogue)
            await asyncio.Event().wait()
            yield Text(text="never")

        monkeypatch.setattr(engine, "answer", say_nothing)
        await jobs.queue_in.submit(again, holder="bot", ready=True)
        await until(lambda: len(silent) == 1)
        if superseded:
            await jobs.queue_in.submit(question("one two three", revision=2), holder="bot")
        else:
            await jobs.queue_in.end(again.id, Cancelled(reason="stopped"))
        told = await events(jobs, again.id)
    assert told[-1] == Cancelled(reason="superseded" if superseded else "stopped")
    (turn,) = (await jobs.conversations.load(HERE)).turns
    assert (turn.revision, turn.answer) == (0, "one two three")


async def test_forgetting_reaches_the_running_answer_the_history_and_the_caches(
    jobs: MemoryJobs, engine: ScriptedEngine
) -> None:
    engine.hold.clear()
    asked = question("one two three")
    await jobs.queue_in.submit(asked, holder="bot", ready=True)
    async with working(jobs, engine):
        await until(lambda: engine.at_once == 1)
        await jobs.conversations.forget(HERE)
        told = await events(jobs, asked.id)
        await until(lambda: bool(engine.forgotten))
    assert isinstance(told[-1], Cancelled)
    assert told[-1].reason == "forgotten"
    ((conversation, epoch),) = set(engine.forgotten)
    assert conversation == HERE
    assert epoch > engine.asked[0].epoch
    assert (await jobs.conversations.load(HERE)).turns == ()


async def forget_behind(jobs: MemoryJobs, engine: ScriptedEngine, first: Job, second: Job) -> None:
    """The first is answered, and forgotten while the second is being answered."""
    await jobs.queue_in.submit(first, holder="bot", ready=True)
    await events(jobs, first.id)
    engine.hold.clear()
    await jobs.queue_in.submit(second, holder="bot", ready=True)
    await until(lambda: engine.at_once == 1)
    await jobs.conversations.forget_source(HERE, first.source)


async def test_forgetting_one_question_begins_the_answer_to_another_anew_without_it(
    jobs: MemoryJobs, engine: ScriptedEngine
) -> None:
    first, second = question("one two", asker="ann"), question("three four five", source="q2", asker="bob")
    async with working(jobs, engine):
        await forget_behind(jobs, engine, first, second)
        await until(lambda: len(engine.asked) == 3)
        engine.hold.set()
        told = await events(jobs, second.id)
    assert isinstance(told[-1], Done)
    assert told[-1].text == "three four five"
    assert [len(dialogue.turns) for dialogue in engine.asked] == [0, 1, 0]
    assert engine.asked[2].epoch > engine.asked[1].epoch
    assert [turn.source for turn in (await jobs.conversations.load(HERE)).turns] == ["q2"]


async def test_an_answer_that_ends_before_its_worker_has_heard_of_a_forgetting_begins_anew(
    jobs: MemoryJobs, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hear_nothing(**_: Any) -> Pulse:
        return Pulse()

    monkeypatch.setattr(jobs.queue_out, "heartbeat", hear_nothing)
    first, second = question("one two", asker="ann"), question("three four five", source="q2", asker="bob")
    async with working(jobs, engine):
        await forget_behind(jobs, engine, first, second)
        engine.hold.set()
        told = await events(jobs, second.id)
    assert isinstance(told[-1], Done)
    assert [len(dialogue.turns) for dialogue in engine.asked] == [0, 1, 0]
    epoch = (await jobs.conversations.load(HERE)).epoch
    assert engine.asked[2].epoch == epoch
    # Once it has ended: what it gave the engine last may have come after the forgetting.
    assert engine.forgotten == [(HERE, epoch)]
    assert [turn.source for turn in (await jobs.conversations.load(HERE)).turns] == ["q2"]


async def test_a_question_that_runs_is_answered_without_a_picture_that_was_deleted(
    jobs: MemoryJobs, engine: ScriptedEngine
) -> None:
    engine.hold.clear()
    refs = tuple(PictureRef(platform="shell", origin=origin) for origin in ("C/40/1", "C/41/1"))
    asked = question("one two", references=refs)
    await jobs.queue_in.submit(asked, holder="bot")
    await jobs.queue_in.attach(asked.id, [Picture(digest=ref.origin, width=8, height=8, ref=ref) for ref in refs])
    async with working(jobs, engine):
        await until(lambda: engine.at_once == 1)
        await jobs.eraser.drop_origin(HERE, "C/40")
        await until(lambda: len(engine.asked) == 2)
        engine.hold.set()
        await events(jobs, asked.id)
    shown = [[(picture.number, picture.digest) for picture in dialogue.pictures] for dialogue in engine.asked]
    assert shown == [[(1, "C/40/1"), (2, "C/41/1")], [(1, "C/41/1")]]
    assert [picture.digest for picture in (await jobs.conversations.load(HERE)).pictures] == ["C/41/1"]


async def test_an_answer_begun_anew_is_read_without_the_words_that_rest_on_what_was_forgotten(
    jobs: MemoryJobs, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inference_worker.publisher.GATHER_S", 0.0)
    first, second = question("one two", asker="ann"), question("three", source="q2", asker="bob")

    async def tell(dialogue: Dialogue) -> AsyncGenerator[Text | Answered]:
        for word in ["Ann said ", "one ", "two"] if dialogue.turns else ["Nobody ", "said ", "anything."]:
            yield Text(text=word)
        if dialogue.turns:
            await asyncio.Event().wait()
        yield Answered(usage=Usage())

    async with working(jobs, engine):
        await jobs.queue_in.submit(first, holder="bot", ready=True)
        await events(jobs, first.id)
        monkeypatch.setattr(engine, "answer", tell)
        await jobs.queue_in.submit(second, holder="bot", ready=True)
        early = aiter(jobs.answers.follow(second.id))
        assert [await anext(early) for _ in range(4)][-1] == Delta(attempt=1, offset=13, text="two")
        await jobs.conversations.forget_source(HERE, first.source)
        anew = [event async for event in early]
    assert anew[:2] == [Delta(attempt=1, offset=0, text=text) for text in ("", "Nobody ")]
    assert anew[-1] == Done(text="Nobody said anything.", notices=(NO_PICTURE,))
    assert await events(jobs, second.id) == [Started(attempt=1), *anew]


async def test_an_error_with_a_sentence_is_told_in_that_sentence(jobs: MemoryJobs, engine: ScriptedEngine) -> None:
    engine.error = PictureGone(number=2)
    asked = question("one two")
    await jobs.queue_in.submit(asked, holder="bot", ready=True)
    async with working(jobs, engine):
        told = await events(jobs, asked.id)
    assert told[-1] == Failed(code="picture_gone", advice="Picture 2 is no longer stored. Please post it again.")


async def test_an_unexpected_error_ends_the_job_in_plain_words(jobs: MemoryJobs, engine: ScriptedEngine) -> None:
    engine.error = ZeroDivisionError("secret detail")
    asked = question("one two")
    await jobs.queue_in.submit(asked, holder="bot", ready=True)
    async with working(jobs, engine):
        told = await events(jobs, asked.id)
    assert isinstance(told[-1], Failed)
    assert told[-1].code == "engine_failed"
    assert "secret" not in told[-1].advice


async def test_a_question_that_failed_keeps_its_pictures_in_the_conversation(
    jobs: MemoryJobs, engine: ScriptedEngine
) -> None:
    engine.error = ZeroDivisionError()
    asked = question("one two")
    shown = Picture(digest="d", width=8, height=8, ref=PictureRef(platform="shell", origin="/a.png"))
    await jobs.queue_in.submit(asked, holder="bot")
    await jobs.queue_in.attach(asked.id, [shown])
    async with working(jobs, engine):
        await events(jobs, asked.id)
        engine.error = None
        again = question("three four", source="q2")
        await jobs.queue_in.submit(again, holder="bot", ready=True)
        await events(jobs, again.id)
    assert [picture.digest for turn in engine.asked[-1].turns for picture in turn.pictures] == ["d"]


async def test_a_worker_that_lost_its_lease_commits_nothing_and_the_next_one_answers(
    jobs: MemoryJobs, engine: ScriptedEngine
) -> None:
    asked = question("one two three")
    await jobs.queue_in.submit(asked, holder="bot", ready=True)
    await jobs.queue_out.claim(worker="lost", room=1)
    jobs.clock.advance(60)
    async with working(jobs, engine, name="B"):
        told = await events(jobs, asked.id)
    assert [event for event in told if isinstance(event, Started)] == [Started(attempt=1), Started(attempt=2)]
    assert isinstance(told[-1], Done)


async def test_a_worker_told_to_stop_finishes_what_it_began(jobs: MemoryJobs, engine: ScriptedEngine) -> None:
    engine.hold.clear()
    asked = question("one two")
    await jobs.queue_in.submit(asked, holder="bot", ready=True)
    async with working(jobs, engine):
        await until(lambda: engine.at_once == 1)
        asyncio.get_running_loop().call_later(0.1, engine.hold.set)
    assert isinstance((await events(jobs, asked.id))[-1], Done)


async def test_a_worker_without_a_free_place_ends_in_time(jobs: MemoryJobs, engine: ScriptedEngine) -> None:
    engine.hold.clear()
    asked = question("one two")
    await jobs.queue_in.submit(asked, holder="bot", ready=True)
    async with asyncio.timeout(3), working(jobs, engine, room=1):
        await until(lambda: engine.at_once == 1)
    assert engine.at_once == 0  # it had `grace_s`; another worker answers when its lease is over


async def test_heartbeats_go_on_after_an_error_that_nobody_foresaw(
    jobs: MemoryJobs, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inference_worker.worker.RETRY_S", 0.01)
    beats: list[int] = []
    inner = jobs.queue_out.heartbeat

    async def heartbeat(**sent: Any) -> Pulse:
        beats.append(len(sent["claims"]))
        if len(beats) == 2:
            raise ZeroDivisionError
        return await inner(**sent)

    monkeypatch.setattr(jobs.queue_out, "heartbeat", heartbeat)
    async with working(jobs, engine):
        await until(lambda: len(beats) > 3)
