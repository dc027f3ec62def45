"""One answer for each question, whatever is lost, repeated, killed, edited or deleted."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from jobs.memory import MemoryJobs
from tests.bot.frontends.slack.conftest import LEASE_S, Bot, OpenBot, Worker, over_both
from tests.bot.frontends.slack.people import People
from tests.bot.frontends.slack.server import SlackServer, eventually
from tests.bot.frontends.slack.web_api import RefusedError
from tests.bot.frontends.slack.world import Message

WORDS = ("one ", "two ", "three")


@over_both
async def test_an_event_whose_acknowledgement_was_lost_is_answered_once(
    bot: Bot, people: People, slack: SlackServer
) -> None:
    slack.acknowledge_within_s, slack.losing = 0.2, 3
    people.post("C1", f"{people.bot} what is this?", people.picture())
    await eventually(lambda: all(envelope.acknowledged.is_set() for envelope in slack.envelopes))
    await eventually(people.team.answers)
    assert sum(len(envelope.sent) for envelope in slack.envelopes) == 5
    assert len(people.team.by_bot()) == 1


async def test_a_socket_that_drops_in_mid_answer_loses_nothing(
    bot: Bot, people: People, worker: Worker, slack: SlackServer
) -> None:
    worker.words = WORDS
    people.post("C1", f"{people.bot} first")
    await eventually(people.team.by_bot)
    await slack.drop_sockets()
    worker.hold.set()
    await eventually(people.team.answers)
    slack.retries_s = (0.5,) * 10
    slack.acknowledge_within_s = 0.3
    people.post("C1", f"{people.bot} second")  # while nobody is connected
    await eventually(lambda: len(people.team.answers()) == 2, within_s=12)
    assert len(people.team.by_bot()) == 2


async def test_a_bot_killed_in_mid_answer_is_followed_by_one_that_edits_what_stands(
    open_bot: OpenBot, people: People, worker: Worker, jobs: MemoryJobs
) -> None:
    worker.words = WORDS
    async with open_bot():
        people.post("C1", f"{people.bot} tell me")
        await eventually(people.team.by_bot)
    jobs.clock.advance(LEASE_S + 1)
    async with open_bot():
        worker.hold.set()
        await eventually(people.team.answers)
    assert [message.said for message in people.team.by_bot()] == ["one two three"]


async def test_a_bot_killed_in_mid_stream_leaves_one_message(
    open_bot: OpenBot, people: People, worker: Worker, jobs: MemoryJobs
) -> None:
    worker.words = WORDS
    async with open_bot():
        people.post("D1", "tell me")
        await eventually(people.team.by_bot)
        await asyncio.sleep(0.1)
    assert people.team.by_bot()[0].is_streaming
    jobs.clock.advance(LEASE_S + 1)
    async with open_bot():
        worker.hold.set()
        await eventually(people.team.answers)
    assert [message.said for message in people.team.by_bot()] == ["one two three"]


@pytest.mark.parametrize("ahead_s", [0.0, 60.0])
async def test_a_bot_killed_between_posting_and_recording_does_not_post_again(
    open_bot: OpenBot, people: People, worker: Worker, jobs: MemoryJobs, slack: SlackServer, *, ahead_s: float
) -> None:
    jobs.clock.advance(ahead_s)  # of the bot's own
    worker.words = WORDS
    async with open_bot():
        slack.fail("chat.postMessage", lost=True)
        people.post("C1", f"{people.bot} tell me")
        await eventually(people.team.by_bot)
    assert people.team.by_bot()[0].metadata is not None
    jobs.clock.advance(LEASE_S + 1)
    async with open_bot():
        worker.hold.set()
        await eventually(people.team.answers)
    assert len(people.team.by_bot()) == 1


async def test_a_thread_of_several_pages_is_looked_through_although_slack_gives_one_a_try(
    open_bot: OpenBot, people: People, worker: Worker, jobs: MemoryJobs, slack: SlackServer
) -> None:
    worker.words = WORDS
    async with open_bot():
        slack.fail("chat.postMessage", lost=True)
        question = people.post("C1", f"{people.bot} tell me")
        await eventually(people.team.by_bot)
    give_one_page_a_try(people, question)
    jobs.clock.advance(LEASE_S + 1)
    async with open_bot():
        worker.hold.set()
        await eventually(people.team.answers)
        assert len(people.team.by_bot()) == 1
        people.delete(question)
        await eventually(lambda: not people.team.by_bot())


async def test_an_answer_of_an_earlier_process_goes_although_slack_gives_one_page_a_try(
    open_bot: OpenBot, people: People, worker: Worker
) -> None:
    async with open_bot():
        await people.ask("C1", f"{people.bot} tell me")
    question = people.team.messages[0]
    give_one_page_a_try(people, question)
    async with open_bot():
        people.delete(question)
        await eventually(lambda: not people.team.by_bot())


def give_one_page_a_try(people: People, question: Message) -> None:
    """The thread gets several pages, and Slack refuses every other of them."""
    for number in range(4):
        people.write("C1", f"chat {number}", thread=question.ts)
    api = people.slack.api
    api.page = 2
    served = api.answer

    def answer_every_other(method: str, *asked: Any, **how: Any) -> dict[str, Any]:
        if method == "conversations.replies" and api.count(method) % 2:
            api.calls.append((method, {}))
            raise RefusedError("internal_error")
        return served(method, *asked, **how)

    api.answer = answer_every_other  # type: ignore[method-assign]  # one call a minute


async def test_a_lost_worker_s_answer_comes_from_the_next(
    open_bot: OpenBot, people: People, jobs: MemoryJobs, worker: Worker
) -> None:
    async with open_bot():
        worker.words = WORDS
        people.post("C1", f"{people.bot} tell me")
        await eventually(lambda: [message for message in people.team.by_bot() if "one" in message.said])
        for task in asyncio.all_tasks():
            if "Worker._beat" in str(task.get_coro()) or "Worker._answer" in str(task.get_coro()):
                task.cancel()
        await asyncio.sleep(0.05)
        jobs.clock.advance(LEASE_S + 1)
        worker.hold.set()
        await eventually(people.team.answers)
    assert [message.said for message in people.team.by_bot()] == ["one two three"]


@over_both
async def test_editing_the_last_question_answers_it_again_in_the_same_place(bot: Bot, people: People) -> None:
    answer = await people.ask("C1", f"{people.bot} what is this?", people.picture("a.png"))
    people.edit(people.team.messages[0], f"{people.bot} what is that?")
    await eventually(lambda: answer.said == "ask: what is that? [a.png]")
    people.edit(people.team.messages[0], f"{people.bot} what is it?")
    await eventually(lambda: answer.said == "ask: what is it? [a.png]")
    assert people.team.by_bot() == [answer]


async def test_an_edit_is_heard_after_one_whose_answer_was_stopped(bot: Bot, people: People, worker: Worker) -> None:
    answer = await people.ask("C1", f"{people.bot} what is this?", people.picture("a.png"))
    worker.words = WORDS
    people.edit(people.team.messages[0], f"{people.bot} what is that?")
    await eventually(lambda: "stop" in answer.buttons)
    await people.press(answer, "stop")
    await eventually(lambda: "_Stopped._" in answer.said)
    worker.words = ()
    people.edit(people.team.messages[0], f"{people.bot} what is it?")
    await eventually(lambda: answer.said == "ask: what is it? [a.png]")


async def test_a_question_that_was_stopped_before_any_word_can_be_edited(
    bot: Bot, people: People, worker: Worker
) -> None:
    worker.words = WORDS
    people.post("C1", f"{people.bot} what is this?", people.picture("a.png"))
    await eventually(lambda: [message for message in people.team.by_bot() if "stop" in message.buttons])
    answer = people.team.by_bot()[0]
    await people.press(answer, "stop")
    await eventually(lambda: "Stopped" in answer.said)
    worker.words = ()
    people.edit(people.team.messages[0], f"{people.bot} what is it?")
    await eventually(lambda: answer.said == "ask: what is it? [a.png]")


async def test_editing_a_question_that_is_being_answered_replaces_it(bot: Bot, people: People, worker: Worker) -> None:
    worker.words = WORDS
    people.post("C1", f"{people.bot} what is this?")
    await eventually(people.team.by_bot)
    worker.words = ()
    people.edit(people.team.messages[0], f"{people.bot} what is that?")
    await eventually(people.team.answers)
    worker.hold.set()
    await asyncio.sleep(0.2)
    assert [message.said for message in people.team.by_bot()] == ["ask: what is that? []"]


@over_both
async def test_an_unfurled_link_and_a_repeated_edit_are_no_change(bot: Bot, people: People, worker: Worker) -> None:
    await people.ask("C1", f"{people.bot} what is this?")
    question = people.team.messages[0]
    await eventually(people.unfurl(question).acknowledged.is_set)
    edit = people.edit(question, f"{people.bot} what is that?")
    await eventually(lambda: len(worker.answered) == 2)
    await eventually(people.slack.tell(people.team, edit.payload["event"]).acknowledged.is_set)
    await asyncio.sleep(0.2)
    assert len(worker.answered) == 2


async def test_an_edit_of_an_older_question_changes_nothing(bot: Bot, people: People, worker: Worker) -> None:
    first = await people.ask("C1", f"{people.bot} what is this?", people.picture("a.png"))
    await people.ask("C1", "and now?", thread=first.thread)
    await eventually(people.edit(people.team.messages[0], f"{people.bot} else?").acknowledged.is_set)
    await asyncio.sleep(0.2)
    assert len(worker.answered) == 2
    assert len(people.team.by_bot()) == 2


async def test_an_edit_of_an_older_question_changes_nothing_days_later(
    open_bot: OpenBot, people: People, worker: Worker, jobs: MemoryJobs
) -> None:
    async with open_bot():
        first = await people.ask("C1", f"{people.bot} what is this?", people.picture("a.png"))
        await people.ask("C1", "and now?", thread=first.thread)
    jobs.clock.advance(2 * 86_400.0)
    async with open_bot():
        people.edit(people.team.messages[0], f"{people.bot} else?")
        await eventually(lambda: all(envelope.acknowledged.is_set() for envelope in people.slack.envelopes))
        await asyncio.sleep(0.2)
    assert len(worker.answered) == 2
    assert len(people.team.by_bot()) == 2


async def test_an_edit_that_is_refused_leaves_the_answer_standing(
    bot: Bot, people: People, refuse: Callable[..., None]
) -> None:
    answer = await people.ask("D1", "what is this?", people.picture("a.png"))
    refuse()
    await eventually(people.edit(people.team.messages[0], "what is that?").acknowledged.is_set)
    assert people.team.messages[-1].to == "UALICE"
    assert answer.said == "ask: what is this? [a.png]"


async def test_an_edit_is_heard_while_its_question_is_being_accepted(
    bot: Bot, people: People, worker: Worker, slack: SlackServer
) -> None:
    root = people.write("C1", "look", people.picture("a.png"))
    slack.fail("conversations.replies", delay_s=0.3)
    question = people.post("C1", f"{people.bot} waht is this?", thread=root.ts)
    await eventually(lambda: not slack.faults["conversations.replies"].times)
    people.edit(question, f"{people.bot} what is this?")
    await eventually(lambda: [m.said for m in people.team.answers()] == ["ask: what is this? [a.png]"])
