import pytest

from bot.memory import Memory, words_for_forgotten, words_for_time
from jobs import ConversationId, Forgotten
from jobs.memory import MemoryJobs
from tests.bot.conftest import Chat
from tests.bot.fakes import FakePlatform, FakeWorker, conversation, mention
from tests.bot.pictures import halves, png


@pytest.fixture
def memory(jobs: MemoryJobs) -> Memory:
    return Memory(conversations=jobs.conversations, eraser=jobs.eraser, retention_s=jobs.settings.retention_s)


async def ask(chat: Chat, worker: FakeWorker, where: ConversationId, origin: str, *, source: str) -> None:
    """A question with this picture, answered."""
    job = await chat.responder.respond(mention("what is this?", origin, where=where, source=source))
    await worker.answer("A flag.")
    assert job is not None
    await chat.responder.settled(job.id)


async def test_forgetting_a_question_takes_what_only_it_brought(
    chat: Chat, worker: FakeWorker, platform: FakePlatform, jobs: MemoryJobs
) -> None:
    where = conversation()
    platform.files = {"a.png": png(), "b.png": png(halves(40, 40))}
    await ask(chat, worker, where, "a.png", source="m1")
    await ask(chat, worker, where, "b.png", source="m2")
    memory = chat.responder.memory
    assert await memory.forget_question(where, "m1") == Forgotten(turns=1, pictures=1)
    assert [picture.name for picture in (await jobs.conversations.load(where)).pictures] == ["b.png"]
    assert await memory.forget_conversation(where) == Forgotten(conversations=1, turns=1, pictures=1)
    assert (await jobs.conversations.load(where)).pictures == ()


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
