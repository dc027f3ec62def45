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
from tests.bot.frontends.slack.conftest import LEASE_S, Worker, over_both
from tests.bot.frontends.slack.people import People
from tests.bot.frontends.slack.ports import free_port, is_listening
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
async def port(
    slack: SlackServer, jobs: MemoryJobs, worker: Worker, redis: Redis, transport: str
) -> AsyncIterator[int]:
    """A bot for several workspaces; where people install it."""
    port = free_port()
    slack.request_url = f"http://127.0.0.1:{port}/slack/events" if transport == "http" else ""
    credentials = Credentials(
        app_token="" if transport == "http" else APP_TOKEN,
        signing_secret=SIGNING_SECRET,
        client_id="1.2",
        client_secret="client-secret",
        http_port=port,
        api_url=slack.api_url,
    )
    front = Slack(credentials, jobs, redis=redis)
    async with open_chat(BotSettings(), jobs, frontends=[front], lease_s=LEASE_S) as responder:
        running = asyncio.create_task(front.run(responder))
        await eventually(lambda: slack.is_connected if transport == "socket" else is_listening(port))
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


async def install_both(port: int, slack: SlackServer) -> list[People]:
    both = []
    for name in ("T1", "T2"):
        team = slack.add_team(name)
        team.add_channel("C1")
        assert await install(port, name) == 200
        both.append(People(slack, team))
    return both


@over_both
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


@over_both
async def test_teams_with_the_same_ids_never_meet(
    port: int, slack: SlackServer, jobs: MemoryJobs, redis: Redis
) -> None:
    both = await install_both(port, slack)
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


async def test_what_is_done_in_one_team_is_not_done_in_the_other(
    port: int, slack: SlackServer, jobs: MemoryJobs, worker: Worker
) -> None:
    first, second = await install_both(port, slack)
    ours = first.write("C1", f"{first.bot} what is this?", first.picture("ours.png"))
    theirs = second.write("C1", f"{second.bot} what is this?", second.picture("theirs.png"))
    theirs.ts = ours.ts
    slack.tell_message(first.team, ours)
    slack.tell_message(second.team, theirs)
    await eventually(lambda: first.team.answers() and second.team.answers())
    [answer], [other] = first.team.answers(), second.team.answers()
    # Follow-ups, a silence and a forgetting.
    assert (await first.ask("C1", "and now?", thread=ours.ts)).said == "ask: and now? [ours.png]"
    assert (await second.ask("C1", "and now?", thread=theirs.ts)).said == "ask: and now? [theirs.png]"
    first.post("C1", f"{first.bot} stop listening", thread=ours.ts)
    await eventually(lambda: len(first.team.by_bot()) == 3)
    assert (await second.ask("C1", "still there?", thread=theirs.ts)).said == "ask: still there? [theirs.png]"
    first.post("C1", f"{first.bot} forget", thread=ours.ts)
    await eventually(lambda: len(first.team.by_bot()) == 4)
    left = await jobs.conversations.load(ConversationId(platform="slack", tenant="T2", channel="C1", thread=theirs.ts))
    assert len(left.turns) == 3
    assert left.forgotten_at_s == 0
    # A button of one team, pressed in the other.
    asked = len(worker.answered)
    forged = answer.buttons["regenerate"]["value"].replace("slack:T1", "slack:T2")
    await first.press(answer, "regenerate", value=forged)
    assert first.team.messages[-1].text == "Only the person who asked, or an admin, can do that."
    assert len(worker.answered) == asked
    assert not other.is_deleted


async def test_an_admin_of_one_team_is_nobody_in_the_other(port: int, slack: SlackServer, worker: Worker) -> None:
    first, second = await install_both(port, slack)
    first.team.admins.add("UBOB")
    answers = [await people.ask("C1", f"{people.bot} hello?") for people in (first, second)]
    for people, answer in zip((first, second), answers, strict=True):
        await people.press(answer, "regenerate", user="UBOB")
    await eventually(lambda: len(worker.answered) == 3)
    assert worker.answered[-1].job.conversation.tenant == "T1"
    assert second.team.messages[-1].to == "UBOB"


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
