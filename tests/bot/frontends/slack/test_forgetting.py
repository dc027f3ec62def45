"""What is deleted or forgotten is gone, and does not come back."""

import asyncio
from typing import Any

import pytest

from bot.frontends.slack.workspace import Workspace
from jobs import ConversationId, Forgotten
from jobs.errors import StoreUnavailable
from jobs.memory import MemoryJobs
from jobs.memory.conversations import MemoryConversations
from tests.bot.frontends.slack.conftest import Bot, OpenBot, Worker, over_both
from tests.bot.frontends.slack.people import BOB, People
from tests.bot.frontends.slack.server import SlackServer, eventually
from tests.bot.frontends.slack.world import Message
from tests.bot.pictures import halves, png

WORDS = ("one ", "two ", "three")


@over_both
async def test_deleting_a_question_forgets_it_with_its_pictures_and_its_answer(bot: Bot, people: People) -> None:
    first = await people.ask("C1", f"{people.bot} what is this?", people.picture("a.png"))
    second = await people.ask("C1", "and this?", people.picture("b.png"), thread=first.thread)
    people.delete(people.team.messages[2])
    await eventually(lambda: second.is_deleted)
    third = await people.ask("C1", "so?", thread=first.thread)
    assert third.said == "ask: so? [a.png]"
    assert people.team.by_bot() == [first, third]


@over_both
async def test_deleting_the_message_that_a_thread_hangs_on_does_the_same(bot: Bot, people: People) -> None:
    answer = await people.ask("C1", f"{people.bot} what is this?", people.picture("a.png"))
    people.delete(people.team.messages[0])
    await eventually(lambda: answer.is_deleted)


async def test_an_answer_of_an_earlier_process_goes_with_its_file(
    open_bot: OpenBot, people: People, worker: Worker
) -> None:
    worker.words = ("A sentence & another. " * 2_000,)
    worker.hold.set()
    async with open_bot():
        await people.ask("C1", f"{people.bot} tell me")
    assert [message for message in people.team.by_bot() if message.files]
    async with open_bot():
        people.delete(people.team.messages[0])
        await eventually(lambda: not people.team.by_bot())


async def test_an_answer_that_slack_does_not_let_go_stays_and_the_question_is_forgotten_all_the_same(
    bot: Bot, people: People, slack: SlackServer, jobs: MemoryJobs
) -> None:
    slack.fail("chat.delete", error="cant_delete_message")
    answer = await people.ask("C1", f"{people.bot} what is this?")
    await eventually(people.delete(people.team.messages[0]).acknowledged.is_set)
    assert people.team.by_bot() == [answer]
    where = ConversationId(platform="slack", tenant="T1", channel="C1", thread=answer.thread or "")
    assert (await jobs.conversations.load(where)).turns == ()


@pytest.mark.parametrize("fault", [{"status": 502}, {"error": "internal_error"}])
async def test_an_answer_that_slack_does_not_take_away_at_once_is_taken_away_later(
    bot: Bot, people: People, slack: SlackServer, fault: dict[str, object]
) -> None:
    await people.ask("C1", f"{people.bot} what is this?")
    slack.fail("chat.delete", times=3, **fault)
    people.delete(people.team.messages[0])
    await eventually(lambda: not people.team.by_bot())


async def test_a_deletion_waits_for_slack_no_longer_than_for_the_store(
    bot: Bot, people: People, slack: SlackServer, jobs: MemoryJobs
) -> None:
    answer = await people.ask("C1", f"{people.bot} what is this?")
    slack.fail("chat.delete", delay_s=1.0)
    deletion = people.delete(people.team.messages[0])
    await eventually(deletion.acknowledged.is_set)
    where = ConversationId(platform="slack", tenant="T1", channel="C1", thread=answer.thread or "")
    assert (await jobs.conversations.load(where)).turns == ()
    assert not answer.is_deleted
    await eventually(lambda: answer.is_deleted)


async def test_an_answer_goes_although_the_store_did_not_say_that_its_question_is_forgotten(
    bot: Bot, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    await people.ask("C1", f"{people.bot} what is this?")
    forget = MemoryConversations.forget_source

    async def forget_twice(*asked: Any) -> Forgotten:  # the client asks again by itself
        await forget(*asked)
        return await forget(*asked)

    monkeypatch.setattr(MemoryConversations, "forget_source", forget_twice)
    people.delete(people.team.messages[0])
    await eventually(lambda: not people.team.by_bot())


async def test_an_answer_goes_although_the_store_is_away_meanwhile(
    bot: Bot, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    await people.ask("C1", f"{people.bot} what is this?")
    workspaces = bot.slack._workspaces
    find = workspaces.of
    sought: list[str] = []

    async def find_at_times(team: str) -> Workspace:  # of several workspaces the tokens are in Redis
        sought.append(team)
        if len(sought) == 2:  # at the door first, then for the answer
            raise StoreUnavailable(reason="away")
        return await find(team)

    monkeypatch.setattr(workspaces, "of", find_at_times)
    people.delete(people.team.messages[0])
    await eventually(lambda: not people.team.by_bot())


async def test_deleting_a_question_that_is_being_answered_ends_it(bot: Bot, people: People, worker: Worker) -> None:
    worker.words = WORDS
    question = people.post("C1", f"{people.bot} what is this?")
    await eventually(lambda: [message for message in people.team.by_bot() if "one" in message.said])
    people.delete(question)
    await eventually(lambda: [message.said for message in people.team.by_bot()] == ["Forgotten, as asked."])


async def test_a_deleted_message_takes_the_pictures_along_that_it_brought_to_another_s_question(
    bot: Bot, people: People
) -> None:
    root = people.write("C1", "the first", people.picture("a.png", content=png(halves(40, 40))), user=BOB)
    theirs = people.write("C1", "mine", people.picture("b.png"), user=BOB, thread=root.ts)
    answer = await people.ask("C1", f"{people.bot} which?", thread=root.ts)
    assert answer.said == "ask: which? [a.png, b.png]"
    await eventually(people.delete(theirs).acknowledged.is_set)
    assert (await people.ask("C1", "and now?", thread=root.ts)).said == "ask: and now? [a.png]"
    assert not answer.is_deleted


@over_both
async def test_a_forgotten_thread_is_not_read_again(bot: Bot, people: People, worker: Worker) -> None:
    root = people.write("C1", "the first picture", people.picture("a.png"))
    await people.ask("C1", f"{people.bot} what is this?", people.picture("b.png"), thread=root.ts)
    people.post("C1", f"{people.bot} forget", thread=root.ts)
    await eventually(lambda: len(people.team.by_bot()) == 2)
    people.write("C1", "a new picture", people.picture("c.png"), user=BOB, thread=root.ts)
    answer = await people.ask("C1", f"{people.bot} what do you see?", thread=root.ts)
    assert answer.said == "ask: what do you see? [c.png]"
    assert worker.answered[-1].job.context == "a new picture"


async def test_what_a_person_had_forgotten_is_not_read_again_in_their_threads(
    bot: Bot, people: People, worker: Worker
) -> None:
    theirs = await people.ask("C1", f"{people.bot} what is this?", people.picture("a.png"))
    await people.command("/forget", channel="C1")
    answer = await people.ask("C1", f"{people.bot} what was it?", thread=theirs.thread)
    assert answer.said == "ask: what was it? []"
    assert worker.answered[-1].job.context == ""


async def test_only_the_last_hours_are_asked_of_slack_after_a_forgetting(
    bot: Bot, people: People, slack: SlackServer
) -> None:
    root = people.write("C1", "the first")
    await people.ask("C1", f"{people.bot} so?", thread=root.ts)
    people.post("C1", f"{people.bot} forget", thread=root.ts)
    await eventually(lambda: len(people.team.by_bot()) == 2)
    slack.api.calls.clear()
    await people.ask("C1", f"{people.bot} and?", thread=root.ts)
    [asked] = [arguments for method, arguments in slack.api.calls if method == "conversations.replies"]
    assert float(asked["oldest"]) > float(root.ts)


@over_both
@pytest.mark.parametrize("event", [{"type": "app_uninstalled"}, {"type": "tokens_revoked", "tokens": {"bot": ["U1"]}}])
async def test_a_workspace_that_removes_the_bot_leaves_nothing_behind(
    bot: Bot, people: People, jobs: MemoryJobs, event: dict[str, object]
) -> None:
    answer = await people.ask("C1", f"{people.bot} what is this?", people.picture("a.png"))
    await eventually(people.slack.tell(people.team, event).acknowledged.is_set)
    where = ConversationId(platform="slack", tenant="T1", channel="C1", thread=answer.thread or "")
    assert (await jobs.conversations.load(where)).turns == ()
    assert (await jobs.conversations.forget_asker("slack:T1", "UALICE")).turns == 0


async def test_a_deletion_is_heard_while_its_question_is_being_accepted(
    bot: Bot, people: People, worker: Worker, slack: SlackServer, jobs: MemoryJobs
) -> None:
    root = people.write("C1", "look", people.picture("a.png"))
    slack.fail("conversations.replies", delay_s=0.3)
    question = people.post("C1", f"{people.bot} what is this?", people.picture("secret.png"), thread=root.ts)
    await eventually(lambda: not slack.faults["conversations.replies"].times)
    people.delete(question)
    await eventually(lambda: people.team.by_bot() and not bot.responder._custody._held)
    assert [message.said for message in people.team.by_bot()] == ["Forgotten, as asked."]
    where = ConversationId(platform="slack", tenant="T1", channel="C1", thread=root.ts)
    assert (await jobs.conversations.load(where)).turns == ()


@pytest.mark.parametrize("at_once", [True, False])
async def test_the_file_of_an_earlier_answer_goes_when_the_question_is_edited(
    open_bot: OpenBot, people: People, worker: Worker, *, at_once: bool
) -> None:
    worker.words = ("A secret sentence. " * 2_000,)
    worker.hold.set()
    async with open_bot():
        await people.ask("C1", f"{people.bot} tell me")
        if at_once:
            await edit_to_short(people, worker)
    if not at_once:
        async with open_bot():
            await edit_to_short(people, worker)
    assert [message.files for message in people.team.by_bot()] == [[]]


async def edit_to_short(people: People, worker: Worker) -> None:
    worker.words = ("Short now.",)
    people.edit(people.team.messages[0], f"{people.bot} tell me briefly")
    await eventually(lambda: [message.said for message in people.team.answers()] == ["Short now."])


async def test_an_answer_that_waits_for_slack_does_not_come_after_its_question_was_deleted(
    bot: Bot, people: People, worker: Worker, slack: SlackServer
) -> None:
    question = await answered_but_not_shown(people, worker, slack)
    people.delete(question)
    await eventually(lambda: not bot.responder._custody._held)
    assert people.team.by_bot() == []


async def test_an_answer_that_waits_for_slack_does_not_come_after_its_thread_was_forgotten(
    bot: Bot, people: People, worker: Worker, slack: SlackServer
) -> None:
    question = await answered_but_not_shown(people, worker, slack)
    people.post("C1", f"{people.bot} forget", thread=question.ts)
    await eventually(lambda: not bot.responder._custody._held)
    await eventually(lambda: len(people.team.by_bot()) == 1)
    assert people.team.by_bot()[0].said.startswith("Forgotten: 1 conversation")


async def test_an_answer_that_waits_for_slack_does_not_come_after_its_asker_was_forgotten(
    bot: Bot, people: People, worker: Worker, slack: SlackServer
) -> None:
    await answered_but_not_shown(people, worker, slack)
    await people.command("/forget", channel="C1")
    await eventually(lambda: not bot.responder._custody._held)
    assert people.team.by_bot() == []


@pytest.mark.parametrize("waits", ["chat.appendStream", "chat.stopStream"])
async def test_a_streamed_answer_that_waits_for_slack_does_not_come_after_its_asker_was_forgotten(
    bot: Bot, people: People, worker: Worker, slack: SlackServer, waits: str
) -> None:
    worker.words, worker.pause_s = WORDS, 0.1
    people.post("D1", "what is this?", people.picture("secret.png"))
    await eventually(lambda: [message for message in people.team.by_bot() if "two" in message.said])
    slack.fail(waits, delay_s=0.5)
    worker.hold.set()
    await eventually(lambda: worker.answered and not slack.faults[waits].times)
    await people.command("/forget", channel="D1")
    await eventually(lambda: not bot.responder._custody._held)
    assert people.team.by_bot() == []


async def test_an_answer_whose_last_edit_is_under_way_does_not_stay_after_its_asker_was_forgotten(
    bot: Bot, people: People, worker: Worker, slack: SlackServer
) -> None:
    worker.words, worker.pause_s = WORDS, 0.1
    people.post("C1", f"{people.bot} what is this?", people.picture("secret.png"))
    await eventually(lambda: [message for message in people.team.by_bot() if "two" in message.said])
    slack.fail("chat.update", times=2, delay_s=0.5)  # of the last word, and of the answer
    worker.hold.set()
    await eventually(lambda: worker.answered and not slack.faults["chat.update"].times)
    await people.command("/forget", channel="C1")
    await eventually(lambda: not bot.responder._custody._held)
    assert people.team.by_bot() == []


async def test_a_deletion_is_heard_after_its_question_however_long_its_workspace_is_looked_for(
    bot: Bot, people: People, worker: Worker, jobs: MemoryJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker.words = WORDS
    workspaces = bot.slack._workspaces
    find = workspaces.of
    sought: list[str] = []

    async def find_slowly(team: str) -> Workspace:
        sought.append(team)
        if len(sought) == 2:  # at the door first, then for the question
            await asyncio.sleep(0.3)
        return await find(team)

    monkeypatch.setattr(workspaces, "of", find_slowly)
    question = people.post("D1", "what is this?", people.picture("secret.png"))
    await eventually(lambda: len(sought) == 2)
    people.delete(question)
    await eventually(lambda: all(envelope.acknowledged.is_set() for envelope in people.slack.envelopes))
    await eventually(lambda: not bot.responder._custody._held)  # it ended before its last word
    assert not worker.answered
    where = ConversationId(platform="slack", tenant="T1", channel="D1")
    assert (await jobs.conversations.load(where)).turns == ()


async def answered_but_not_shown(people: People, worker: Worker, slack: SlackServer) -> Message:
    """A question whose answer is known and whose last edit Slack does not take yet."""
    slack.fail("chat.update", times=99, error="internal_error")
    question = people.post("C1", f"{people.bot} what is this?", people.picture("secret.png"))
    await eventually(lambda: worker.answered)
    await eventually(lambda: slack.api.count("chat.postMessage"))
    await eventually(lambda: slack.faults["chat.update"].times < 99)
    slack.faults["chat.update"].times = 1
    return question
