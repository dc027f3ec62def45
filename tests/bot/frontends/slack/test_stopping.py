"""Slack's own Stop: https://docs.slack.dev/reference/events/agent_session_stopped."""

import pytest
from structlog.testing import capture_logs

from tests.bot.frontends.slack.conftest import Bot, OpenBot, Worker, over_both
from tests.bot.frontends.slack.people import BOB, People
from tests.bot.frontends.slack.server import SlackServer, eventually
from tests.bot.frontends.slack.world import Message

WORDS = ("one ", "two ", "three")


async def streaming(people: People, text: str = "tell me") -> tuple[Message, Message]:
    """A question in the direct message, and its answer on the way."""
    question = people.post("D1", text)
    await eventually(lambda: [message for message in people.team.by_bot() if message.is_streaming])
    return question, people.team.by_bot()[-1]


@over_both
async def test_it_ends_the_answer_and_the_session(bot: Bot, people: People, worker: Worker) -> None:
    worker.words = WORDS
    question, streamed = await streaming(people)
    pressed = people.press_slack_s_stop("D1", question.ts)
    await eventually(lambda: "_Stopped._" in streamed.said)
    assert streamed.said == "one \n_Stopped._"
    assert people.team.by_bot() == [streamed]
    assert pressed.acknowledged_after_s < 3
    await eventually(lambda: not people.team.busy)
    assert people.slack.api.count("agents.sessions.setStatus") == 1


async def test_it_ends_only_what_is_answered_in_its_thread(bot: Bot, people: People, worker: Worker) -> None:
    worker.words = WORDS
    question, streamed = await streaming(people)
    waiting = people.post("D1", "another thing")
    await eventually(lambda: waiting.ts in people.team.busy)
    people.press_slack_s_stop("D1", question.ts)
    await eventually(lambda: "_Stopped._" in streamed.said)
    worker.hold.set()
    await eventually(people.team.answers)
    assert [(answer.thread, answer.said) for answer in people.team.answers()] == [(waiting.ts, "one two three")]


async def test_a_question_that_still_waits_is_ended_too(bot: Bot, people: People, worker: Worker) -> None:
    worker.words = WORDS
    await streaming(people)
    waiting = people.post("D1", "another thing")
    await eventually(lambda: waiting.ts in people.team.busy)
    people.press_slack_s_stop("D1", waiting.ts)
    await eventually(lambda: people.team.thread("D1", waiting.ts)[1:])
    assert [message.said for message in people.team.thread("D1", waiting.ts)[1:]] == ["Stopped."]
    await eventually(lambda: waiting.ts not in people.team.busy)
    worker.hold.set()
    await eventually(people.team.answers)
    assert len(worker.answered) == 1


async def test_it_is_not_for_everybody(bot: Bot, people: People, worker: Worker) -> None:
    worker.words = WORDS
    question = people.post("C1", f"{people.bot} tell me")
    await eventually(people.team.by_bot)
    people.team.busy.add(question.ts)
    people.press_slack_s_stop("C1", question.ts, user=BOB)
    await eventually(lambda: people.team.messages[-1].to == BOB)
    assert people.team.messages[-1].text == "Only the person who asked, or an admin, can do that."
    worker.hold.set()
    await eventually(people.team.answers)


async def test_where_nothing_is_answered_any_more_the_session_is_ended(bot: Bot, people: People) -> None:
    people.team.busy.add("1.0")
    people.press_slack_s_stop("D1", "1.0")
    await eventually(lambda: not people.team.busy)


async def test_a_session_that_cannot_be_ended_changes_nothing_else(
    bot: Bot, people: People, worker: Worker, slack: SlackServer
) -> None:
    slack.fail("agents.sessions.setStatus", error="not_authorized")
    worker.words = WORDS
    question, streamed = await streaming(people)
    people.press_slack_s_stop("D1", question.ts)
    await eventually(lambda: "_Stopped._" in streamed.said)
    worker.words = ()
    assert (await people.ask("D1", "and now?")).said == "ask: and now? []"


@pytest.mark.parametrize("channel", ["C1", "D1"])
async def test_after_an_answer_slack_shows_nothing_any_more(
    bot: Bot, people: People, worker: Worker, channel: str
) -> None:
    await people.ask(channel, f"{people.bot} short")  # no word on the way, no stream
    await eventually(lambda: not people.team.busy)
    worker.words, worker.pause_s = WORDS, 0.05
    worker.hold.set()
    await people.ask(channel, f"{people.bot} long")
    await eventually(lambda: not people.team.busy)


async def test_after_a_stream_that_slack_has_ended_it_shows_nothing_either(
    bot: Bot, people: People, worker: Worker
) -> None:
    worker.words = WORDS
    _, streamed = await streaming(people)
    streamed.is_streaming = False  # after five minutes
    worker.hold.set()
    await eventually(lambda: streamed.is_answered)
    await eventually(lambda: not people.team.busy)


async def test_an_app_that_would_not_hear_of_it_is_told_so_once(
    open_bot: OpenBot, people: People, worker: Worker, slack: SlackServer
) -> None:
    slack.api.hears_stop = False
    worker.words, worker.pause_s = WORDS, 0.05
    worker.hold.set()
    with capture_logs() as logs:
        async with open_bot():
            await people.ask("D1", "tell me")
            await people.ask("D1", "and more")
    assert slack.api.count("chat.startStream") == 2
    told = [line for line in logs if line["event"] == "slack shows no stop button"]
    assert len(told) == 1
    assert "agent_session_stopped" in told[0]["advice"]
