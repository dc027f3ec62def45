"""The doctor at Slack's door: a server that answers as Slack does."""

import copy
import http.server
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import pytest

from bot.frontends.slack.manifest import SCOPES, build_manifest
from bot.settings import BotSettings
from threadsight.doctor.finding import Level
from threadsight.doctor.slack import examine_slack


@dataclass
class Answers:
    """What the server says, by token."""

    url: str = ""
    by_token: dict[str, dict[str, Any]] = field(default_factory=dict)
    scopes: str = ",".join(SCOPES)
    asked: list[tuple[str, dict[str, list[str]]]] = field(default_factory=list)

    def settings(self, **given: object) -> BotSettings:
        tokens = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1-A1-x"}
        return BotSettings.model_validate({"slack_api_url": self.url, **tokens, **given})


@pytest.fixture
def slack() -> Iterator[Answers]:
    answers = Answers()
    answers.by_token = {
        "xoxb-1": {"ok": True, "user": "sight", "team": "Acme", "bot_id": "B1", "bot": {"app_id": "A1"}},
        "xapp-1-A1-x": {"ok": True, "url": "wss:"},
        "xoxe-1": {"ok": True, "manifest": build_manifest(name="Sight")},
    }

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent = parse_qs(self.rfile.read(int(self.headers["Content-Length"] or 0)).decode())
            answers.asked.append((self.path.rpartition("/")[2], sent))
            token = self.headers["Authorization"].removeprefix("Bearer ")
            body = json.dumps(answers.by_token.get(token, {"ok": False, "error": "invalid_auth"})).encode()
            self.send_response(200)
            self.send_header("x-oauth-scopes", answers.scopes)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    answers.url = f"http://127.0.0.1:{server.server_port}/api/"
    yield answers
    server.shutdown()
    server.server_close()


def test_a_whole_install_is_well(slack: Answers) -> None:
    findings = list(examine_slack(slack.settings()))
    assert {finding.level for finding in findings} == {Level.OK}
    assert [finding.found for finding in findings] == [
        "@sight in Acme",
        "its socket opens",
        "which events the app is told of, these tokens may not see",
    ]
    assert "SLACK_CONFIG_TOKEN" in findings[-1].advice


def test_every_missing_scope_is_named(slack: Answers) -> None:
    slack.scopes = ",".join(scope for scope in SCOPES if scope not in {"files:read", "commands"})
    failed = [finding.found for finding in examine_slack(slack.settings()) if finding.level is Level.FAIL]
    assert failed == ["the app lacks the scope commands", "the app lacks the scope files:read"]


def test_refused_tokens_are_named_and_not_shown(slack: Answers) -> None:
    slack.by_token = {"xapp-1-A1-x": {"ok": False, "error": "missing_scope"}}
    failed = [finding.found for finding in examine_slack(slack.settings()) if finding.level is Level.FAIL]
    assert failed == ["SLACK_BOT_TOKEN is refused (invalid_auth)", "SLACK_APP_TOKEN lacks the scope connections:write"]


def test_a_slack_that_cannot_be_reached_is_a_warning() -> None:
    unreachable = Answers(url="http://127.0.0.1:9/api/").settings()
    assert [finding.level for finding in examine_slack(unreachable)] == [Level.WARN]


def test_a_token_with_a_line_end_is_told_and_not_shown(slack: Answers) -> None:
    (finding,) = examine_slack(slack.settings(SLACK_BOT_TOKEN="xoxb-SECRET-123\n"))
    assert finding.level is Level.FAIL
    assert "SECRET" not in finding.found + finding.advice


def test_without_slack_there_is_nothing_to_say() -> None:
    assert list(examine_slack(BotSettings.model_validate({}))) == []


# ------------------------------------------------------------ the app's own settings


@pytest.mark.parametrize("http", [False, True])
def test_an_app_that_is_set_up_as_its_manifest_says_is_well(slack: Answers, *, http: bool) -> None:
    given: dict[str, object] = {}
    if http:
        given = {"SLACK_APP_TOKEN": "", "SLACK_SIGNING_SECRET": "s", "slack_http_port": 3000}
        built = build_manifest(name="Sight", public_url="https://sight.example.com")
        slack.by_token["xoxe-1"] = {"ok": True, "manifest": built}
    *_, last = examine_slack(slack.settings(**given), "xoxe-1")
    assert (last.level, last.found) == (Level.OK, "every event, command and menu of the app is there")
    assert slack.asked[-1] == ("apps.manifest.export", {"app_id": ["A1"]})


def test_everything_that_the_app_lacks_is_named(slack: Answers) -> None:
    manifest = copy.deepcopy(build_manifest(name="Sight"))
    manifest["settings"]["event_subscriptions"]["bot_events"].remove("message.im")
    manifest["settings"]["interactivity"]["is_enabled"] = False
    manifest["settings"]["socket_mode_enabled"] = False
    manifest["features"]["slash_commands"].pop(0)
    manifest["features"]["shortcuts"].pop(0)
    manifest["features"]["app_home"]["messages_tab_read_only_enabled"] = True
    del manifest["features"]["agent_view"]
    slack.by_token["xoxe-1"] = {"ok": True, "manifest": manifest}
    found = [finding.found for finding in examine_slack(slack.settings(), "xoxe-1") if finding.level is not Level.OK]
    assert found == [
        "the app is not told of message.im",
        "the app has no '/ocr'",
        "the app has no 'Read text'",
        "buttons and forms do nothing",
        "Socket Mode is off",
        "nobody can write to the bot directly",
        "the app is no agent: no suggested prompts, no Stop of Slack's own",
    ]


def test_an_app_that_was_never_set_up_lacks_everything(slack: Answers) -> None:
    slack.by_token["xoxe-1"] = {"ok": True, "manifest": {"display_information": {"name": "Sight"}}}
    failed = [finding.found for finding in examine_slack(slack.settings(), "xoxe-1") if finding.level is Level.FAIL]
    assert "the app is not told of app_mention" in failed
    assert "Socket Mode is off" in failed


def test_socket_mode_keeps_signed_requests_away(slack: Answers) -> None:
    settings = slack.settings(SLACK_SIGNING_SECRET="s", slack_http_port=3000)
    failed = [finding.found for finding in examine_slack(settings, "xoxe-1") if finding.level is Level.FAIL]
    assert failed == ["Socket Mode is on, so no signed requests come"]


def test_a_token_that_has_run_out_is_a_warning_and_not_shown(slack: Answers) -> None:
    *_, last = examine_slack(slack.settings(), "xoxe-old")
    assert (last.level, last.found) == (Level.WARN, "SLACK_CONFIG_TOKEN does not read the app (invalid_auth)")


def test_an_app_that_nobody_names_is_a_warning(slack: Answers) -> None:
    slack.by_token["xoxb-1"].pop("bot")
    settings = slack.settings(SLACK_APP_TOKEN="", SLACK_SIGNING_SECRET="s", slack_http_port=3000)
    *_, last = examine_slack(settings, "xoxe-1")
    assert (last.level, last.found) == (Level.WARN, "nobody says which app it is")
