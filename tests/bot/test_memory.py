from collections.abc import AsyncIterator

import pytest

from bot.memory import Memory, words_for_forgotten, words_for_time
from bot.sandbox.pool import Sandbox
from jobs import ConversationId, Forgotten
from jobs.memory import MemoryJobs
from tests.bot.conftest import Chat
from tests.bot.fakes import FakePlatform, FakeWorker, conversation, mention
from tests.bot.pictures import halves, opened, png


@pytest.fixture
async def memory(jobs: MemoryJobs) -> AsyncIterator[Memory]:
    sandbox = Sandbox(processes=1, memory_bytes=1024**3, time_limit_s=10.0, max_pixels=1_000_000)
    yield Memory(
        conversations=jobs.conversations,
        pictures=jobs.pictures,
        eraser=jobs.eraser,
        sandbox=sandbox,
        retention_s=jobs.settings.retention_s,
    )
    await sandbox.close()


@pytest.fixture
def where() -> ConversationId:
    return conversation()


async def ask(chat: Chat, worker: FakeWorker, where: ConversationId, *origins: str, source: str = "") -> list[int]:
    """A question with these pictures, answered; the numbers that its pictures were given."""
    job = await chat.responder.respond(mention("what is this?", *origins, where=where, source=source))
    await worker.answer("A flag.")
    assert job is not None
    await chat.responder.settled(job.id)
    return [picture.number for picture in await chat.responder.memory.pictures(where)]


async def test_a_conversations_pictures_can_be_looked_at(
    chat: Chat, worker: FakeWorker, platform: FakePlatform, where: ConversationId
) -> None:
    platform.files = {"a.png": png(halves(640, 480)), "b.png": png(halves(30, 60))}
    await ask(chat, worker, where, "a.png", "b.png")
    thumbnails = await chat.responder.memory.thumbnails(where)
    assert [(thumbnail.picture.number, thumbnail.picture.name) for thumbnail in thumbnails] == [
        (1, "a.png"),
        (2, "b.png"),
    ]
    assert [opened(thumbnail.image).size for thumbnail in thumbnails] == [(320, 240), (30, 60)]


async def test_a_picture_whose_bytes_are_gone_is_listed_without_an_image(
    chat: Chat, worker: FakeWorker, platform: FakePlatform, where: ConversationId, jobs: MemoryJobs
) -> None:
    platform.files["a.png"] = png()
    await ask(chat, worker, where, "a.png")
    jobs.pictures._state.pictures.clear()
    (thumbnail,) = await chat.responder.memory.thumbnails(where)
    assert (thumbnail.picture.name, thumbnail.image) == ("a.png", None)


async def test_dropping_one_picture_leaves_the_others_as_they_are_for_every_later_question(
    chat: Chat, worker: FakeWorker, platform: FakePlatform, where: ConversationId
) -> None:
    platform.files = {name: png(halves(side, 40)) for side, name in enumerate(("a.png", "b.png", "c.png"), start=40)}
    await ask(chat, worker, where, "a.png", "b.png")
    dropped = await chat.responder.memory.drop_picture(where, 1)
    assert (dropped.number, dropped.name) == (1, "a.png")
    assert await chat.responder.memory.drop_picture(where, 1) is None
    assert await ask(chat, worker, where, "a.png", "b.png", "c.png") == [2, 3]


async def test_forgetting_a_question_takes_what_only_it_brought(
    chat: Chat, worker: FakeWorker, platform: FakePlatform, where: ConversationId
) -> None:
    platform.files = {"a.png": png(), "b.png": png(halves(40, 40))}
    await ask(chat, worker, where, "a.png", source="m1")
    await ask(chat, worker, where, "b.png", source="m2")
    memory = chat.responder.memory
    assert await memory.forget_question(where, "m1") == Forgotten(turns=1, pictures=1)
    assert [picture.name for picture in await memory.pictures(where)] == ["b.png"]
    assert await memory.forget_conversation(where) == Forgotten(conversations=1, turns=1, pictures=1)
    assert await memory.pictures(where) == ()


async def test_forgetting_a_person_leaves_the_others(memory: Memory, chat: Chat, worker: FakeWorker) -> None:
    here, there = conversation(), conversation()
    for asker, where in (("ann", here), ("bob", here), ("ann", there)):
        await chat.responder.respond(mention(asker=asker, where=where))
        await worker.answer("Yes.")
    assert await memory.forget_person(here.tenant_key, "ann") == Forgotten(conversations=1, turns=2)
    assert await memory.forget_person(here.tenant_key, "ann") == Forgotten()
    assert await memory.forget_place(here.tenant_key) == Forgotten(conversations=1, turns=1)


async def test_it_says_how_long_it_keeps_things(memory: Memory) -> None:
    assert memory.kept_for == "7 days"


@pytest.mark.parametrize(
    ("seconds", "words"), [(86_400.0, "1 day"), (30 * 86_400.0, "30 days"), (7_200.0, "2 hours"), (60.0, "1 hour")]
)
def test_times_are_told_in_days_or_hours(seconds: float, words: str) -> None:
    assert words_for_time(seconds) == words


@pytest.mark.parametrize(
    ("forgotten", "words"),
    [
        (Forgotten(), "There was nothing to forget."),
        (Forgotten(turns=1), "Forgotten: 1 answered question."),
        (Forgotten(turns=2, pictures=3), "Forgotten: 2 answered questions and 3 pictures."),
        (
            Forgotten(conversations=1, turns=2, pictures=1),
            "Forgotten: 1 conversation, 2 answered questions and 1 picture.",
        ),
    ],
)
def test_what_was_forgotten_is_counted(forgotten: Forgotten, words: str) -> None:
    assert words_for_forgotten(forgotten) == words
