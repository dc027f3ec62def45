"""Which workspaces the bot is in: one by its token, or those that have installed it."""

from typing import Protocol

import aiohttp
from slack_sdk.oauth.installation_store.async_installation_store import AsyncInstallationStore
from slack_sdk.web.async_client import AsyncWebClient

from bot.frontends.slack.errors import WorkspaceUnknown
from bot.frontends.slack.pace import Pace
from bot.frontends.slack.workspace import Workspace

_CALL_TIMEOUT_S = 30.0


class Workspaces(Protocol):
    """Finds a workspace."""

    async def of(self, team: str) -> Workspace:
        """The workspace with this id.

        Raises:
            WorkspaceUnknown: the bot is not in it.
            CallLost, CallRefused: nobody can say right now.
        """
        ...

    async def leave(self, team: str) -> None:
        """The bot was removed from it."""
        ...


class WebClients:
    """Web API clients that share their connections."""

    def __init__(self, *, api_url: str) -> None:
        self._api_url = api_url
        self._session: aiohttp.ClientSession | None = None

    def with_token(self, token: str | None) -> AsyncWebClient:
        """A client of this token. It retries nothing: whoever calls knows what may be repeated."""
        return AsyncWebClient(token=token, base_url=self._api_url, session=self.session, retry_handlers=[])

    @property
    def session(self) -> aiohttp.ClientSession:
        """Opened at the first use, inside the running loop."""
        if self._session is None or self._session.closed:
            timeout = aiohttp.ClientTimeout(total=_CALL_TIMEOUT_S)
            self._session = aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar())
        return self._session

    async def close(self) -> None:
        """Give the connections back."""
        if self._session is not None:
            await self._session.close()


class OneWorkspace:
    """The workspace of SLACK_BOT_TOKEN."""

    def __init__(self, token: str, clients: WebClients) -> None:
        self._token = token
        self._clients = clients
        self._pace = Pace()
        self._known: Workspace | None = None

    async def of(self, team: str) -> Workspace:
        """See `Workspaces.of`."""
        workspace = await self.the_one()
        if team != workspace.team:
            raise WorkspaceUnknown(team=team, reason="another workspace")
        return workspace

    async def leave(self, team: str) -> None:
        """See `Workspaces.leave`. Its token is dead now; a new one comes with a restart."""

    async def the_one(self) -> Workspace:
        """The workspace, asked for once.

        Raises:
            WorkspaceUnknown: Slack does not take the token.
            CallLost, CallRefused: nobody can say right now.
        """
        if self._known is None:
            client = self._clients.with_token(self._token)
            nameless = Workspace(team="", bot_user="", bot="", client=client, pace=self._pace)
            identity = await nameless.call("auth.test")
            self._known = Workspace(
                team=identity["team_id"],
                bot_user=identity["user_id"],
                bot=identity.get("bot_id", ""),
                client=client,
                pace=self._pace,
            )
        return self._known


class InstalledWorkspaces:
    """Every workspace that has installed the app; each has its own token and its own pace."""

    def __init__(self, store: AsyncInstallationStore, clients: WebClients) -> None:
        self._store = store
        self._clients = clients
        self._known: dict[str, Workspace] = {}

    async def of(self, team: str) -> Workspace:
        """See `Workspaces.of`. Asked of the store each time: a workspace may uninstall at any moment."""
        bot = await self._store.async_find_bot(enterprise_id=None, team_id=team)
        if bot is None:
            raise WorkspaceUnknown(team=team, reason="not installed")
        known = self._known.get(team)
        if known is None or known.token != bot.bot_token:  # installed, or installed again
            known = self._known[team] = Workspace(
                team=team,
                bot_user=bot.bot_user_id,
                bot=bot.bot_id,
                client=self._clients.with_token(bot.bot_token),
                pace=known.pace if known else Pace(),
            )
        return known

    async def leave(self, team: str) -> None:
        """See `Workspaces.leave`."""
        await self._store.async_delete_all(enterprise_id=None, team_id=team)
        self._known.pop(team, None)
