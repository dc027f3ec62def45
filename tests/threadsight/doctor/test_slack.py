"""The doctor at Slack's door: a server that answers as Slack does."""

import http.server
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from bot.frontends.slack.manifest import SCOPES
from bot.settings import BotSettings
from threadsight.doctor.finding import Level
from threadsight.doctor.slack import examine_slack


@dataclass
class Answers:
    """What the server says, by token."""

    url: str = ""
    by_token: dict[str, dict[str, Any]] = field(default_factory=dict)
    scopes: str = ",".join(SCOPES)

    def settings(self, **given: object) -> BotSettings:
        tokens = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1"}
        return BotSettings.model_validate({"slack_api_url": self.url, **tokens, **given})


@pytest.fixture
def slack() -> Iterator[Answers]:
    answers = Answers()
    answers.by_token = {"xoxb-1": {"ok": True, "user": "sight", "team": "Acme"}, "xapp-1": {"ok": True, "url": "wss:"}}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
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
    assert [findings[0].found, findings[-1].found] == ["@sight in Acme", "its socket opens"]


def test_every_missing_scope_is_named(slack: Answers) -> None:
    slack.scopes = ",".join(scope for scope in SCOPES if scope not in {"files:read", "commands"})
    failed = [finding.found for finding in examine_slack(slack.settings()) if finding.level is Level.FAIL]
    assert failed == ["the app lacks the scope commands", "the app lacks the scope files:read"]


def test_refused_tokens_are_named_and_not_shown(slack: Answers) -> None:
    slack.by_token = {"xapp-1": {"ok": False, "error": "missing_scope"}}
    failed = [finding.found for finding in examine_slack(slack.settings()) if finding.level is Level.FAIL]
    assert failed == ["SLACK_BOT_TOKEN is refused (invalid_auth)", "SLACK_APP_TOKEN lacks the scope connections:write"]


def test_a_slack_that_cannot_be_reached_is_a_warning() -> None:
    unreachable = Answers(url="http://127.0.0.1:9/api/").settings()
    assert [finding.level for finding in examine_slack(unreachable)] == [Level.WARN]


def test_without_slack_there_is_nothing_to_say() -> None:
    assert list(examine_slack(BotSettings.model_validate({}))) == []
