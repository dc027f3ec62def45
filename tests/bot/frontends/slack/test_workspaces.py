"""Several workspaces through one bot: installed by OAuth, kept in Redis, and never meeting."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from redis.asyncio import Redis

from bot.app import open_chat
from bot.frontends.slack import Credentials, Slack
from bot.frontends.slack.installations import RedisInstallations
from bot.settings import BotSettings
from jobs import ConversationId
from jobs.memory import MemoryJobs
from tests.bot.frontends.slack.conftest import LEASE_S, Worker
from tests.bot.frontends.slack.people import People
from tests.bot.frontends.slack.ports import free_port
from tests.bot.frontends.slack.server import APP_TOKEN, SIGNING_SECRET, SlackServer, eventually
from tests.bot.pictures import png
from tests.jobs.valkey_server import ValkeyServer


@pytest.fixture(scope="module")
def valkey() -> Iterator[ValkeyServer]:
    server = ValkeyServer()
    server.start()
    yield server
    server.remove()


@pytest.fixture
async def redis(valkey: ValkeyServer) -> AsyncIterator[Redis]:
    client = Redis.from_url(valkey.url, decode_responses=True)
    await client.flushall()
    yield client
    await client.aclose()


@pytest.fixture
async def port(slack: SlackServer, jobs: MemoryJobs, worker: Worker, redis: Redis) -> AsyncIterator[int]:
    """A bot for several workspaces; where people install it."""
    port = free_port()
    credentials = Credentials(
        app_token=APP_TOKEN,
        signing_secret=SIGNING_SECRET,
        client_id="1.2",
        client_secret="client-secret",
        http_port=port,
        api_url=slack.api_url,
    )
    front = Slack(credentials, jobs, redis=redis, clock=jobs.clock.now_s)
    async with open_chat(BotSettings(), jobs, frontends=[front], lease_s=LEASE_S) as responder:
        running = asyncio.create_task(front.run(responder))
        await eventually(lambda: slack.is_connected)
        yield port
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
    await front.close()


async def install(port: int, team: str, *, state: str | None = None) -> int:
    """What a browser does; the status of the last page."""
    jar = aiohttp.DummyCookieJar()
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", cookie_jar=jar) as browser:
        async with browser.get("/slack/install") as page:
            words = await page.text()
            cookie = page.headers["Set-Cookie"].partition(";")[0]
        link = words.partition('<a href="')[2].partition('"')[0].replace("&amp;", "&")
        given = parse_qs(urlsplit(link).query)["state"][0]
        query = {"code": team, "state": state or given}
        async with browser.get("/slack/oauth_redirect", params=query, headers={"Cookie": cookie}) as page:
            return page.status


async def test_a_workspace_installs_the_bot_and_is_answered(port: int, slack: SlackServer) -> None:
    team = slack.add_team("T1")
    team.add_channel("C1")
    people = People(slack, team)
    await eventually(slack.tell_message(team, people.write("C1", f"{people.bot} anybody?")).acknowledged.is_set)
    assert await install(port, "T1") == 200
    answer = await people.ask("C1", f"{people.bot} and now?", people.picture("a.png"))
    assert answer.said == "ask: and now? [a.png]"
    assert team.by_bot() == [answer]


async def test_a_state_that_is_not_ours_installs_nothing(port: int, slack: SlackServer, redis: Redis) -> None:
    slack.add_team("T1")
    assert await install(port, "T1", state="made-up") == 400
    assert await redis.keys("slack:installation:*") == []


async def test_teams_with_the_same_ids_never_meet(
    port: int, slack: SlackServer, jobs: MemoryJobs, redis: Redis
) -> None:
    both = []
    for name in ("T1", "T2"):
        team = slack.add_team(name)
        team.add_channel("C1")
        assert await install(port, name) == 200
        both.append(People(slack, team))
    first, second = both
    ours = first.write("C1", f"{first.bot} what is this?", first.picture("ours.png"))
    theirs = second.write("C1", f"{second.bot} what is this?", second.picture("theirs.png", content=png()))
    theirs.ts = ours.ts
    slack.tell_message(first.team, ours)
    slack.tell_message(second.team, theirs)
    await eventually(lambda: first.team.answers() and second.team.answers())
    assert first.team.answers()[0].said == "ask: what is this? [ours.png]"
    assert second.team.answers()[0].said == "ask: what is this? [theirs.png]"
    assert {(file, token) for file, token in slack.downloads} == {("F1", "Bearer xoxb-T1"), ("F1", "Bearer xoxb-T2")}
    told, _ = await first.command("/forget", channel="C1")
    assert "1 answered question" in told.answer["text"]
    left = await jobs.conversations.load(ConversationId(platform="slack", tenant="T2", channel="C1", thread=theirs.ts))
    assert [turn.answer for turn in left.turns] == ["ask: what is this? [theirs.png]"]


@pytest.mark.parametrize("event", [{"type": "app_uninstalled"}, {"type": "tokens_revoked", "tokens": {"bot": ["U1"]}}])
async def test_a_workspace_that_removes_the_bot_leaves_nothing_behind(
    port: int, slack: SlackServer, jobs: MemoryJobs, redis: Redis, event: dict[str, object]
) -> None:
    for name in ("T1", "T2"):
        slack.add_team(name).add_channel("C1")
        assert await install(port, name) == 200
    asked = []
    for team in slack.api.teams.values():
        people = People(slack, team)
        await people.ask("C1", f"{people.bot} what is this?", people.picture("a.png"))
        asked.append(team.messages[0].ts)
    first = slack.api.teams["xoxb-T1"]
    await eventually(slack.tell(first, event).acknowledged.is_set)
    turns = []
    for team_id, ts in zip(("T1", "T2"), asked, strict=True):
        thread = ConversationId(platform="slack", tenant=team_id, channel="C1", thread=ts)
        turns.append(len((await jobs.conversations.load(thread)).turns))
    assert turns == [0, 1]
    assert await redis.keys("slack:installation:*") == ["slack:installation:T2"]


async def test_a_user_s_revoked_token_changes_nothing(port: int, slack: SlackServer, redis: Redis) -> None:
    team = slack.add_team("T1")
    assert await install(port, "T1") == 200
    revoked = slack.tell(team, {"type": "tokens_revoked", "tokens": {"oauth": ["UALICE"], "bot": []}})
    await eventually(revoked.acknowledged.is_set)
    assert await redis.keys("slack:installation:*") == ["slack:installation:T1"]


async def test_what_was_installed_is_found_after_a_restart(redis: Redis, port: int, slack: SlackServer) -> None:
    slack.add_team("T1")
    assert await install(port, "T1") == 200
    found = await RedisInstallations(redis).async_find_bot(enterprise_id=None, team_id="T1")
    assert found is not None
    assert (found.bot_token, found.bot_user_id, found.bot_id) == ("xoxb-T1", "UBOTT1", "BBOTT1")
