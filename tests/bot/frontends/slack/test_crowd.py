"""Many conversations at once, within Slack's tiers."""

import statistics

import pytest

from tests.bot.frontends.slack.conftest import Bot, Worker, over_both
from tests.bot.frontends.slack.people import People
from tests.bot.frontends.slack.server import SlackServer, eventually

CONVERSATIONS, CHANNELS, FOLLOW_UPS = 200, 50, 60


@pytest.fixture(autouse=True)
def edit_interval_s() -> None:
    """As in earnest."""


@over_both
async def test_two_hundred_conversations_are_each_answered_once_and_in_order(
    bot: Bot, people: People, worker: Worker, slack: SlackServer
) -> None:
    slack.acknowledge_within_s = 20.0  # other work on the machine is not what is looked at here
    for number in range(CHANNELS):
        people.team.add_channel(f"C{100 + number}")
    roots = []
    for number in range(CONVERSATIONS):
        channel = f"C{100 + number % CHANNELS}"
        roots.append(people.post(channel, f"{people.bot} first {number}"))
    for number, root in enumerate(roots[:FOLLOW_UPS]):
        people.post(root.channel, f"second {number}", thread=root.ts)
    await eventually(lambda: len(people.team.answers()) == CONVERSATIONS + FOLLOW_UPS, within_s=60)
    for number, root in enumerate(roots):
        said = [message.said for message in people.team.thread(root.channel, root.ts) if message.bot]
        expected = [f"ask: first {number} []", f"ask: second {number} []"]
        assert said == expected[: 2 if number < FOLLOW_UPS else 1]
    assert len(worker.answered) == CONVERSATIONS + FOLLOW_UPS
    assert slack.api.too_many == 0
    assert statistics.median(envelope.acknowledged_after_s for envelope in slack.envelopes) < 3
    assert all(len(envelope.sent) == 1 for envelope in slack.envelopes)
