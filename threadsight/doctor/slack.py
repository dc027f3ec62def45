"""Slack: whether it takes the tokens, what the app may do and is told of there, and whether its socket opens."""

import importlib.util
import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from http.client import HTTPException
from typing import Any
from urllib.parse import urlencode

import msgspec

from bot.settings import BotSettings
from threadsight.doctor.finding import Finding, Level, fail, warn, well
from threadsight.doctor.slack_app import compare_app

PATIENCE_S = 5.0
WHERE_SCOPES_ARE = "OAuth & Permissions: add it, then reinstall the app (`threadsight slack-manifest` lists all)"


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a method says: its JSON, and the scopes that the token has."""

    body: Mapping[str, Any]
    scopes: frozenset[str] = frozenset()

    @property
    def error(self) -> str:
        """Slack's word for it, or nothing."""
        return "" if self.body.get("ok") else str(self.body.get("error", "?"))


def examine_slack(settings: BotSettings, config_token: str = "") -> Iterator[Finding]:
    """Reads only: the socket is asked for and not opened. `config_token` reads how the app is set up."""
    if not settings.names_slack:
        return
    if importlib.util.find_spec("slack_bolt") is None:
        yield fail("Slack", "slack-bolt is not installed", "pip install 'threadsight[bot]'")
        return
    try:
        yield from _examine_bot_token(settings)
        yield from _examine_socket(settings)
        yield from _examine_app(settings, config_token)
    except ValueError:  # its words would hold the token
        advice = "copy it anew: it holds a line end or another letter that no token has"
        yield fail("Slack", "a token is not one, or the answer is not Slack's", advice)
    except (OSError, HTTPException) as error:
        yield warn("Slack", f"cannot be asked ({error})", "see that this machine reaches slack.com")


def _examine_bot_token(settings: BotSettings) -> Iterator[Finding]:
    from bot.frontends.slack.manifest import SCOPES  # noqa: PLC0415 - imports slack-bolt

    token = settings.slack_bot_token.get_secret_value()
    if not token:
        yield well("Slack", "workspaces install the app themselves (SLACK_CLIENT_ID)")
        return
    answer = _ask(settings, "auth.test", token)
    if answer.error:
        advice = "copy it anew from OAuth & Permissions, or reinstall the app"
        yield fail("Slack", f"SLACK_BOT_TOKEN is refused ({answer.error})", advice)
        return
    yield well("Slack", f"@{answer.body['user']} in {answer.body['team']}")
    for scope in sorted(set(SCOPES) - answer.scopes):
        yield fail("Slack", f"the app lacks the scope {scope}", WHERE_SCOPES_ARE)


def _examine_socket(settings: BotSettings) -> Iterator[Finding]:
    if settings.slack_http_port is not None:
        yield well("Slack", f"signed requests at {settings.slack_http_host}:{settings.slack_http_port}")
    token = settings.slack_app_token.get_secret_value()
    if not token:
        return
    answer = _ask(settings, "apps.connections.open", token)
    if answer.error == "missing_scope":
        advice = "Basic Information, App-Level Tokens: make one with connections:write"
        yield fail("Slack", "SLACK_APP_TOKEN lacks the scope connections:write", advice)
    elif answer.error:
        advice = "copy it anew from Basic Information, and see that Socket Mode is on"
        yield fail("Slack", f"SLACK_APP_TOKEN is refused ({answer.error})", advice)
    else:
        yield well("Slack", "its socket opens")


def _examine_app(settings: BotSettings, config_token: str) -> Iterator[Finding]:
    """What the app is told of, and what people find in its menus: no other token may read that."""
    if not config_token:
        yield Finding(
            subject="Slack",
            level=Level.OK,
            found="which events the app is told of, these tokens may not see",
            advice="where mentions stay unanswered: run it once more with SLACK_CONFIG_TOKEN (docs/slack.md)",
        )
        return
    app = _find_app(settings)
    if not app:
        yield warn("Slack", "nobody says which app it is", "set SLACK_APP_TOKEN, or give the app the scope users:read")
        return
    answer = _ask(settings, "apps.manifest.export", config_token, app_id=app)
    if answer.error:
        advice = "api.slack.com/apps, Your App Configuration Tokens: make a new one for the app's workspace (12 hours)"
        yield warn("Slack", f"SLACK_CONFIG_TOKEN does not read the app ({answer.error})", advice)
        return
    yield from compare_app(answer.body["manifest"], through_socket=settings.slack_http_port is None)


def _find_app(settings: BotSettings) -> str:
    """The app's id: it is a part of the socket's token, else Slack knows whose bot it is."""
    of_socket = settings.slack_app_token.get_secret_value().split("-")[2:3]
    if of_socket:
        return of_socket[0]
    token = settings.slack_bot_token.get_secret_value()
    bot = _ask(settings, "auth.test", token).body.get("bot_id", "")
    return str(_ask(settings, "bots.info", token, bot=bot).body.get("bot", {}).get("app_id", ""))


def _ask(settings: BotSettings, method: str, token: str, **arguments: str) -> Answer:
    address = f"{settings.slack_api_url.rstrip('/')}/{method}"
    headers = {"Authorization": f"Bearer {token}"}
    asked = urllib.request.Request(address, data=urlencode(arguments).encode(), headers=headers)  # noqa: S310 - the owner's own setting
    with urllib.request.urlopen(asked, timeout=PATIENCE_S) as response:  # noqa: S310 - the same
        scopes = response.headers.get("x-oauth-scopes", "")
        return Answer(body=json.load(response), scopes=frozenset(filter(None, map(str.strip, scopes.split(",")))))
