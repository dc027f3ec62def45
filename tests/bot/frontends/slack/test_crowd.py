"""Many conversations at once, within Slack's tiers."""

import asyncio

from tests.bot.frontends.slack.conftest import Bot, Worker
from tests.bot.frontends.slack.people import People
from tests.bot.frontends.slack.server import SlackServer, eventually

CONVERSATIONS, CHANNELS = 200, 40


async def test_two_hundred_conversations_are_each_answered_once_and_in_order(
    bot: Bot, people: People, worker: Worker, slack: SlackServer
) -> None:
    for number in range(CHANNELS):
        people.team.add_channel(f"C{100 + number}")
    roots = []
    for number in range(CONVERSATIONS):
        channel = f"C{100 + number % CHANNELS}"
        root = people.post(channel, f"{people.bot} first {number}")
        people.post(channel, f"{people.bot} second {number}", thread=root.ts)
        roots.append(root)
        if number % 20 == 0:
            await asyncio.sleep(0)
    await eventually(lambda: len(people.team.answers()) == 2 * CONVERSATIONS, within_s=100)
    for number, root in enumerate(roots):
        said = [message.said for message in people.team.thread(root.channel, root.ts) if message.bot]
        assert said == [f"ask: first {number} []", f"ask: second {number} []"]
    assert len(worker.answered) == 2 * CONVERSATIONS
    assert slack.api.too_many == 0
    assert max(envelope.acknowledged_after_s for envelope in slack.envelopes) < 3
    assert all(len(envelope.sent) == 1 for envelope in slack.envelopes)
