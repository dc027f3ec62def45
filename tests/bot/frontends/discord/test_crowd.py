"""Two hundred conversations at once."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bot.frontends.discord import Discord
from tests.bot.fakes import eventually
from tests.bot.frontends.discord.conftest import Scene
from tests.bot.frontends.discord.fake import people
from tests.bot.frontends.discord.fake.world import Channel, Message

CROWD = 200
FIRST_SIGN_S = 15.0  # Discord takes 50 requests a second, and a mention needs two for its sign: 8 s at best


@asynccontextmanager
async def longest_block_s() -> AsyncIterator[list[float]]:
    """How long this thread was at work, at most, before somebody else had a turn: the machine's other work apart."""
    blocks = [0.0]

    async def watch() -> None:
        while True:
            began = time.thread_time()
            await asyncio.sleep(0.001)
            blocks[0] = max(blocks[0], time.thread_time() - began)

    watching = asyncio.create_task(watch())
    yield blocks
    watching.cancel()


@pytest.mark.timeout(120)
async def test_every_one_of_two_hundred_conversations_is_answered_once_and_in_order(scene: Scene, bot: Discord) -> None:
    scene.discord.limits.faster = 1.0
    channels = [scene.discord.add_channel(scene.guild, f"c{number}") for number in range(CROWD // 10)]
    me = scene.discord.bot.mention
    began = time.time()
    async with longest_block_s() as blocked:
        firsts = []
        for number in range(CROWD):
            channel = channels[number % len(channels)]
            firsts.append(people.write(scene.discord, scene.ann, channel, f"{me} first {number}"))
            await asyncio.sleep(0)
        await eventually(lambda: all(_answers(question.thread) for question in firsts), within_s=60.0)
        signs = sorted(min(message.sent_at for message in _answers(question.thread)) - began for question in firsts)
        for number, question in enumerate(firsts):
            people.write(scene.discord, scene.ann, question.thread, f"second {number}")
            await asyncio.sleep(0)
        await eventually(
            lambda: all(_texts(question) == _expected(n) for n, question in enumerate(firsts)), within_s=60.0
        )
    assert signs[int(CROWD * 0.99) - 1] < FIRST_SIGN_S
    assert blocked[0] < 1.0  # Discord, the store and the worker all work in this thread beside the bot
    assert scene.discord.limits.refused < CROWD  # of 1,400 requests; unpaced, most are. A busy machine wakes late
    assert len(scene.discord.posts) == 2 * CROWD


def _answers(thread: Channel | None) -> list[Message]:
    return [message for message in thread.written if message.author.bot] if thread else []


def _texts(question: Message) -> list[str]:
    return [message.content for message in _answers(question.thread)]


def _expected(number: int) -> list[str]:
    return [f"first {number} (0)", f"second {number} (0)"]


async def test_commands_are_acknowledged_in_time_while_everybody_asks(scene: Scene, bot: Discord) -> None:
    scene.discord.limits.faster = 1.0
    me = scene.discord.bot.mention
    for number in range(100):
        people.write(scene.discord, scene.ann, scene.channel, f"{me} question {number}")
    used = [
        people.command(scene.discord, scene.bob, scene.channel, "ask", question=f"command {number}")
        for number in range(50)
    ]
    await eventually(lambda: all(one.answered_at for one in used), within_s=60.0)
    assert max(one.acknowledged_within_s for one in used) < 3.0
    await eventually(lambda: all(one.texts == [f"command {n} (0)"] for n, one in enumerate(used)), within_s=60.0)
