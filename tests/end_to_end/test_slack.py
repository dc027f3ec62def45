"""The whole product in the small Slack, as it is started: what is killed in mid-answer changes nothing."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.bot.frontends.slack.people import People
from tests.bot.frontends.slack.server import APP_TOKEN, SlackServer, eventually, open_server
from tests.end_to_end.conftest import EXAMPLES, Install, SlowModel

pytestmark = pytest.mark.slow


@pytest.fixture
async def slack() -> AsyncIterator[SlackServer]:
    async with open_server() as server:
        yield server


@pytest.fixture
def people(slack: SlackServer) -> People:
    team = slack.add_team("T1")
    team.add_channel("C1")
    team.add_channel("D1")
    return People(slack, team)


@pytest.fixture
async def up(home: Path, slow_model: SlowModel, slack: SlackServer, people: People) -> AsyncIterator["Up"]:
    install = Install(
        home,
        WORKER_ENGINE="openai",
        WORKER_OPENAI_BASE_URL=f"http://127.0.0.1:{slow_model.port}/v1",
        SLACK_BOT_TOKEN=people.team.token,
        SLACK_APP_TOKEN=APP_TOKEN,
        BOT_SLACK_API_URL=slack.api_url,
    )
    running = Up(install, slack)
    await running.start()
    yield running
    await running.stop()
    install.end()


class Up:
    """`threadsight up`."""

    def __init__(self, install: Install, slack: SlackServer) -> None:
        self.install = install
        self._slack = slack
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self._process = await self.install.start("up")
        await eventually(lambda: self._slack.is_connected, within_s=60)

    async def kill(self) -> None:
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGKILL)
        await self._process.wait()

    async def stop(self) -> None:
        assert self._process is not None
        if self._process.returncode is None:
            self._process.terminate()
        await asyncio.wait_for(self._process.communicate(), 30)


@pytest.mark.parametrize(("killed", "channel"), [("bot", "C1"), ("bot", "D1"), ("worker", "D1"), ("valkey", "C1")])
async def test_the_answer_stands_there_once_whatever_is_killed(
    up: Up, people: People, slow_model: SlowModel, channel: str, killed: str
) -> None:
    cover = (EXAMPLES / "pictures/cover_moon.png").read_bytes()
    question = people.post(channel, f"{people.bot} what is this?", people.picture("cover.png", content=cover))
    await asyncio.wait_for(slow_model.in_the_middle.wait(), 30)
    if killed == "bot":
        await up.kill()
        await up.start()
    else:
        up.install.kill(killed)
    await eventually(people.team.answers, within_s=60)
    [answer] = people.team.by_bot()
    assert answer.thread == question.ts
    assert answer.said.strip() == slow_model.answer
    await eventually(lambda: not people.team.busy)
