"""How events arrive: signed requests, and tokens that Slack does not take."""

import asyncio
import json
import socket

import pytest
from structlog.testing import capture_logs

from bot.app import build_frontends
from bot.frontends.slack import Credentials, Slack, connection, frontend
from bot.frontends.slack.errors import SlackHalfSet, SlackTokenRefused
from bot.settings import BotSettings
from jobs.errors import StoreUnavailable
from jobs.memory import MemoryJobs
from jobs.settings import SettingWrong
from tests.bot.frontends.slack import conftest
from tests.bot.frontends.slack.conftest import OpenBot, Worker
from tests.bot.frontends.slack.people import People
from tests.bot.frontends.slack.ports import free_port
from tests.bot.frontends.slack.server import APP_TOKEN, Envelope, SlackServer, eventually


async def test_signed_requests_are_answered_like_events_of_a_socket(
    open_bot: OpenBot, people: People, worker: Worker, slack: SlackServer
) -> None:
    port = free_port()
    slack.request_url = f"http://127.0.0.1:{port}/slack/events"
    async with open_bot(http_port=port):
        answer = await people.ask("C1", f"{people.bot} what is this?", people.picture("a.png"))
        assert answer.said == "ask: what is this? [a.png]"
        opened, form = await people.command("/compare", channel="C1")
        assert opened.statuses == [200]
        assert (await people.submit(form, people.picture("b.png")))["response_action"] == "errors"
        await people.press(answer, "regenerate")
        await eventually(lambda: len(worker.answered) == 2)


@pytest.mark.parametrize("forgery", [{"secret": "somebody-else-s"}, {"age_s": 600}])
async def test_a_forged_and_a_stale_signature_are_refused(
    open_bot: OpenBot, people: People, worker: Worker, slack: SlackServer, forgery: dict[str, object]
) -> None:
    port = free_port()
    slack.request_url = f"http://127.0.0.1:{port}/slack/events"
    async with open_bot(http_port=port):
        message = people.write("D1", "let me in")
        shown = {**slack.api.shown(people.team, message), "channel": "D1", "channel_type": "im"}
        payload = {"type": "event_callback", "team_id": "T1", "event": shown}
        assert await slack.post(Envelope("events_api", payload), **forgery) == 401  # type: ignore[arg-type]  # a table
    assert worker.answered == []
    assert people.team.by_bot() == []


async def test_an_address_that_is_taken_is_named(open_bot: OpenBot, people: People) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(SettingWrong) as refused:
        async with open_bot(http_port=taken.getsockname()[1]) as bot:
            await bot.running
    assert "BOT_SLACK_HTTP_PORT" in refused.value.sentence
    assert "in use" in refused.value.sentence


async def test_the_address_is_verified_when_it_is_entered(
    open_bot: OpenBot, people: People, slack: SlackServer
) -> None:
    port = free_port()
    slack.request_url = f"http://127.0.0.1:{port}/slack/events"
    async with open_bot(http_port=port):
        challenge = Envelope("events_api", {"type": "url_verification", "challenge": "abc"})
        assert await slack.post(challenge) == 200
    assert json.dumps(challenge.answer) == '{"challenge": "abc"}'


async def test_a_token_that_slack_does_not_take_is_named(open_bot: OpenBot, people: People, slack: SlackServer) -> None:
    slack.api.teams.clear()
    with pytest.raises(SlackTokenRefused, match="SLACK_BOT_TOKEN"):
        async with open_bot() as bot:
            await bot.running


async def test_a_socket_s_token_that_slack_does_not_take_is_named(
    open_bot: OpenBot, people: People, slack: SlackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conftest, "APP_TOKEN", "xapp-wrong")
    with pytest.raises(SlackTokenRefused, match="SLACK_APP_TOKEN"):
        async with open_bot() as bot:
            await bot.running


async def test_a_slack_that_is_away_at_the_start_is_waited_for(
    open_bot: OpenBot, people: People, worker: Worker, slack: SlackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frontend, "_AWAY_S", 0.05)
    slack.fail("auth.test", status=503, times=2)
    slack.fail("apps.connections.open", status=503)
    async with open_bot():
        assert (await people.ask("D1", "there?")).said == "ask: there? []"


async def test_a_socket_that_cannot_be_opened_for_a_while_gets_a_new_address(
    open_bot: OpenBot, people: People, worker: Worker, slack: SlackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "_ADDRESS_LASTS_S", 0.5)
    monkeypatch.setattr(connection, "_PING_INTERVAL_S", 0.2)
    async with open_bot():
        slack.is_down = True  # the address that is given now is used in vain
        links = slack.links
        await slack.drop_sockets()
        await eventually(lambda: slack.links > links)
        await asyncio.sleep(0.5)
        slack.is_down = False
        await eventually(lambda: slack.is_connected)
        assert (await people.ask("D1", "there?")).said == "ask: there? []"


async def test_missing_scopes_are_named_at_the_start(open_bot: OpenBot, people: People) -> None:
    people.team.scopes -= {"files:read", "commands"}
    with capture_logs() as logs:
        async with open_bot():
            pass
    [warning] = [line for line in logs if line["log_level"] == "warning"]
    assert warning["missing"] == ["commands", "files:read"]


async def test_a_command_is_told_when_the_store_is_away(
    open_bot: OpenBot, people: People, jobs: MemoryJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise StoreUnavailable(reason="connection refused")

    monkeypatch.setattr(type(jobs.conversations), "forget_asker", away)
    async with open_bot():
        told, _ = await people.command("/forget", channel="C1")
    assert told.answer["text"] == "Redis cannot be reached (connection refused)."


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"SLACK_BOT_TOKEN": "xoxb-1"}, "SLACK_APP_TOKEN"),
        ({"SLACK_APP_TOKEN": "xapp-1"}, "SLACK_BOT_TOKEN"),
        ({"SLACK_BOT_TOKEN": "xoxb-1", "slack_http_port": 3000}, "SLACK_SIGNING_SECRET"),
        ({"SLACK_CLIENT_ID": "1", "SLACK_APP_TOKEN": "xapp-1"}, "SLACK_CLIENT_SECRET"),
        ({"SLACK_CLIENT_ID": "1", "SLACK_CLIENT_SECRET": "s"}, "BOT_SLACK_HTTP_PORT"),  # no socket serves several
    ],
)
def test_what_is_missing_is_named(given: dict[str, object], missing: str) -> None:
    with pytest.raises(SlackHalfSet) as refused:
        Credentials.read(BotSettings.model_validate(given))
    assert refused.value.facts["missing"] == missing


def test_without_a_token_nobody_wants_slack() -> None:
    assert not BotSettings.model_validate({}).names_slack
    assert BotSettings.model_validate({"SLACK_APP_TOKEN": "xapp-1"}).names_slack


async def test_the_process_opens_slack_as_it_is_set(slack: SlackServer, people: People, jobs: MemoryJobs) -> None:
    given = {"SLACK_BOT_TOKEN": people.team.token, "SLACK_APP_TOKEN": APP_TOKEN, "slack_api_url": slack.api_url}
    [open_frontend] = build_frontends(BotSettings.model_validate(given))
    async with open_frontend(jobs) as front:
        assert isinstance(front, Slack)
