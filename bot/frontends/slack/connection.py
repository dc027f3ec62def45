"""How events arrive: through a socket that we open, or at an address that Slack calls."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog
from aiohttp import web
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError

from bot.frontends.slack.errors import SlackTokenRefused
from bot.frontends.slack.manifest import EVENTS_PATH

_PING_INTERVAL_S = 2.0  # a socket that is silent for four of them is opened anew

log = structlog.get_logger()


@asynccontextmanager
async def serve_socket(app: AsyncApp, app_token: str) -> AsyncIterator[None]:
    """Socket Mode. It opens itself anew when it breaks; what Slack told meanwhile, it tells again.

    Raises:
        SlackTokenRefused: Slack does not take the token.
    """
    socket = AsyncSocketModeHandler(app, app_token, ping_interval=_PING_INTERVAL_S).client
    connect: Callable[[], Awaitable[None]] = socket.connect  # the SDK types neither of the two
    close: Callable[[], Awaitable[None]] = socket.close
    try:
        await connect()
    except SlackApiError as error:
        await close()
        raise SlackTokenRefused(name="SLACK_APP_TOKEN", reason=error.response.get("error", "?")) from error
    log.info("slack connected", how="socket mode")
    try:
        yield
    finally:
        await close()


@asynccontextmanager
async def serve_http(app: AsyncApp, host: str, port: int) -> AsyncIterator[None]:
    """Signed requests. A forged or a stale signature is refused before anything reads the request."""
    runner = web.AppRunner(app.web_app(path=EVENTS_PATH), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        log.info("slack connected", how="http", host=host, port=port)
        yield
    finally:
        await runner.cleanup()
