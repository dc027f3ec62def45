"""One workspace's Web API: at the pace that Slack allows, with errors that say whether anything has happened."""

import json
from collections.abc import Mapping
from typing import Any

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import NotPosted, PlaceGone
from bot.frontends.slack.errors import PASSING, CallLost, CallRefused, ScopeMissing, WorkspaceUnknown
from bot.frontends.slack.pace import Pace

Answer = Mapping[str, Any]  # Slack's JSON: nothing but this file's callers looks into it

PATIENCE_S = 45.0  # for our turn; a delivery waits a minute for a post, and tries again

# Neither takes its arguments as JSON: the former are asked by GET, the latter want a form.
_READS = frozenset({"auth.test", "conversations.history", "conversations.replies", "files.info", "users.info"})
_FORMS = frozenset({"chat.delete", "files.completeUploadExternal", "files.delete", "files.getUploadURLExternal"})
_TOO_MANY = 429
_SERVER_ERROR = 500
_TOKEN_DEAD = frozenset({"account_inactive", "invalid_auth", "not_authed", "token_expired", "token_revoked"})
_GONE = frozenset(
    {
        "cannot_reply_to_message",
        "channel_not_found",
        "ekm_access_denied",
        "invalid_thread_ts",
        "is_archived",
        "is_inactive",
        "messages_tab_disabled",
        "not_in_channel",
        "restricted_action",
        "restricted_action_read_only_channel",
        "restricted_action_thread_locked",
        "restricted_action_thread_only_channel",
        "thread_locked",
        "thread_not_found",
        "user_is_restricted",
    }
)

_NO_STOP = "missing_agent_session_stopped_event_subscription"

log = structlog.get_logger()


class Workspace:
    """A team that the bot is installed in."""

    def __init__(self, *, team: str, bot_user: str, bot: str, client: AsyncWebClient, pace: Pace) -> None:
        self.team = team
        self.bot_user = bot_user  # U...: whom people mention
        self.bot = bot  # B...: who its messages are from
        self._client = client
        self._pace = pace
        self._has_warned = False

    @property
    def token(self) -> str:
        """For downloads; it goes to Slack's hosts only."""
        return self._client.token or ""

    @property
    def pace(self) -> Pace:
        """What can be called now, and what others are going to call."""
        return self._pace

    async def granted_scopes(self) -> frozenset[str]:
        """What the token may do, as Slack says beside every answer.

        Raises:
            CallLost: it did not say.
        """
        try:
            response = await self._client.api_call("auth.test")
        except (aiohttp.ClientError, SlackClientError, TimeoutError, OSError) as error:
            raise CallLost(method="auth.test", reason=error) from error
        return frozenset(filter(None, map(str.strip, response.headers.get("x-oauth-scopes", "").split(","))))

    async def call(self, method: str, within_s: float = PATIENCE_S, /, **arguments: object) -> Answer:
        """Call a method and wait for our turn up to `within_s`; a 429 waits for the time that Slack names.

        Raises:
            CallLost: it may have taken effect.
            CallRefused, Crowded, PlaceGone: it has not.
        """
        channel = str(arguments.get("channel", ""))
        while True:
            await self._pace.turn(method, channel=channel, within_s=within_s)
            try:
                return await self._send(method, arguments)
            except SlackApiError as error:
                if error.response.status_code != _TOO_MANY:
                    raise self._reason(method, error) from error
                pause_s = float(error.response.headers.get("Retry-After", "1"))
                log.warning("slack says slow down", method=method, team=self.team, pause_s=pause_s)
                self._pace.hold(method, seconds=pause_s)
            except (aiohttp.ClientError, SlackClientError, TimeoutError, OSError) as error:
                raise CallLost(method=method, reason=str(error) or type(error).__name__) from error

    async def _send(self, method: str, arguments: Mapping[str, object]) -> Answer:
        if method in _READS:
            response = await self._client.api_call(method, http_verb="GET", params=dict(arguments))
        elif method in _FORMS:
            form = {name: value if isinstance(value, str) else json.dumps(value) for name, value in arguments.items()}
            response = await self._client.api_call(method, data=form)
        else:
            response = await self._client.api_call(method, json=dict(arguments))
        assert isinstance(response.data, dict)
        self._heed(response.data)
        return response.data

    def _heed(self, answer: Answer) -> None:
        """Slack says beside an answer that nobody would hear of its own Stop button; it then shows none."""
        warnings = (answer.get("response_metadata") or {}).get("warnings") or ()
        if not self._has_warned and _NO_STOP in (answer.get("warning"), *warnings):
            self._has_warned = True
            log.warning(
                "slack shows no stop button",
                team=self.team,
                advice="Event Subscriptions: subscribe to the bot event agent_session_stopped",
            )

    def _reason(self, method: str, error: SlackApiError) -> NotPosted | PlaceGone:
        if error.response.status_code >= _SERVER_ERROR or not isinstance(error.response.data, dict):
            return CallLost(method=method, reason=error.response.status_code)
        word = str(error.response.get("error", "unknown"))
        if word in PASSING:
            return CallLost(method=method, reason=word)
        if word == "missing_scope":
            return ScopeMissing(scope=error.response.get("needed", "?"), reason=word)
        if word in _TOKEN_DEAD:
            return WorkspaceUnknown(team=self.team, reason=word)
        if word in _GONE:
            return PlaceGone(reason=word)
        return CallRefused(method=method, reason=word)
