"""Slack as a front end."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import structlog
from redis.asyncio import Redis
from slack_bolt.oauth.async_oauth_settings import AsyncOAuthSettings

from bot.errors import NotPosted, PlaceGone, Unfetchable
from bot.frontend import Reply
from bot.frontends.slack.connection import serve_http, serve_socket
from bot.frontends.slack.credentials import Credentials
from bot.frontends.slack.desk import Desk
from bot.frontends.slack.errors import SlackTokenRefused
from bot.frontends.slack.files import Files
from bot.frontends.slack.installations import RedisInstallations, RedisStates
from bot.frontends.slack.listeners import build_app
from bot.frontends.slack.manifest import SCOPES
from bot.frontends.slack.place import PLATFORM
from bot.frontends.slack.replies import Replies
from bot.frontends.slack.workspace import Workspace
from bot.frontends.slack.workspaces import InstalledWorkspaces, OneWorkspace, WebClients, Workspaces
from bot.responder import Responder
from bot.settings import BotSettings
from jobs import Job, PictureRef
from jobs.stores import Jobs

_EDIT_INTERVAL_S = 1.5  # a minute's 50 edits of a whole workspace are soon used up
_AWAY_S = 5.0
_MOST_CHARACTERS = 20_000  # two messages of Markdown; more is a file

log = structlog.get_logger()


class Slack:
    """`Frontend`."""

    platform = PLATFORM
    edit_interval_s = _EDIT_INTERVAL_S
    most_characters: int | None = _MOST_CHARACTERS

    def __init__(self, credentials: Credentials, stores: Jobs, *, redis: Redis | None = None) -> None:
        """`redis` keeps the installations, where there are several.

        Raises:
            SlackHalfSet: a credential is missing.
        """
        credentials.check()
        assert (redis is not None) == bool(credentials.client_id), "several workspaces are kept in Redis"
        self._credentials = credentials
        self._stores = stores
        self._clients = WebClients(api_url=credentials.api_url)
        self._redis = redis
        self._workspaces: Workspaces
        if redis is None:
            self._workspaces = OneWorkspace(credentials.bot_token, self._clients)
        else:
            self._workspaces = InstalledWorkspaces(RedisInstallations(redis), self._clients)
        self._files = Files(api_url=credentials.api_url)
        self._replies = Replies(
            workspaces=self._workspaces,
            files=self._files,
            clients=self._clients,
            conversations=stores.conversations,
        )

    async def run(self, responder: Responder) -> None:
        """See `Frontend.run`.

        Raises:
            SlackTokenRefused: Slack does not take a token.
        """
        desk = Desk(
            responder=responder,
            conversations=self._stores.conversations,
            silences=self._stores.silences,
            workspaces=self._workspaces,
            replies=self._replies,
            files=self._files,
        )
        credentials = self._credentials
        app = build_app(
            desk,
            client=self._clients.with_token(None),
            signing_secret=credentials.signing_secret,
            oauth=self._oauth(),
        )
        async with AsyncExitStack() as stack:
            if isinstance(self._workspaces, OneWorkspace):
                await self._introduce(self._workspaces)
            if credentials.http_port is not None:
                await stack.enter_async_context(serve_http(app, credentials.http_host, credentials.http_port))
            if credentials.app_token:
                await stack.enter_async_context(serve_socket(app, credentials.app_token))
            await asyncio.Event().wait()

    async def fetch(self, ref: PictureRef) -> AsyncGenerator[bytes, None]:
        """See `Frontend.fetch`."""
        team, _, file_id = ref.origin.partition("/")
        try:
            workspace = await self._workspaces.of(team)
        except (NotPosted, PlaceGone) as error:
            raise Unfetchable(reason=error.sentence) from error
        async for piece in self._files.download(self._clients.session, workspace, file_id):
            yield piece

    def reply(self, job: Job, posted: Sequence[str]) -> Reply:
        """See `Frontend.reply`."""
        return self._replies.open(job, posted)

    async def close(self) -> None:
        """Nothing is called any more."""
        await self._clients.close()

    def _oauth(self) -> AsyncOAuthSettings | None:
        if self._redis is None:
            return None
        return AsyncOAuthSettings(
            client_id=self._credentials.client_id,
            client_secret=self._credentials.client_secret,
            scopes=list(SCOPES),
            installation_store=RedisInstallations(self._redis),
            state_store=RedisStates(self._redis),
            installation_store_bot_only=True,
        )

    async def _introduce(self, workspaces: OneWorkspace) -> None:
        """Say who we are, and what the app may not do that it should; wait where Slack cannot be reached yet."""
        workspace = await self._first_of(workspaces)
        log.info("slack", team=workspace.team, bot=workspace.bot_user)
        try:
            missing = sorted(set(SCOPES) - await workspace.granted_scopes())
        except NotPosted as error:
            log.info("scopes not known", error=error.sentence)
        else:
            if missing:
                log.warning("the slack app lacks scopes", missing=missing, advice="OAuth & Permissions, then reinstall")

    async def _first_of(self, workspaces: OneWorkspace) -> Workspace:
        """Raises: SlackTokenRefused."""
        while True:
            try:
                return await workspaces.the_one()
            except PlaceGone as error:
                raise SlackTokenRefused(name="SLACK_BOT_TOKEN", reason=error.facts.get("reason", "?")) from error
            except NotPosted as error:
                log.warning("slack is away", error=error.sentence, again_in_s=_AWAY_S)
                await asyncio.sleep(_AWAY_S)


@asynccontextmanager
async def open_slack(settings: BotSettings, stores: Jobs) -> AsyncIterator[Slack]:
    """The front end as set, until the end.

    Raises:
        SlackHalfSet: something is missing.
    """
    credentials = Credentials.read(settings)
    redis = None
    if credentials.client_id:
        redis = Redis.from_url(stores.settings.required_url(), decode_responses=True)
    slack = Slack(credentials, stores, redis=redis)
    try:
        yield slack
    finally:
        await slack.close()
        if redis is not None:
            await redis.aclose()
