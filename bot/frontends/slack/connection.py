"""How events arrive: through a socket that we open, or at an address that Slack calls."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import structlog
from aiohttp import web
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError

from bot.frontends.slack.errors import PASSING, SlackTokenRefused
from bot.frontends.slack.manifest import EVENTS_PATH
from jobs.settings import SettingWrong

_PING_INTERVAL_S = 2.0  # a socket that is silent for four of them is opened anew
_ADDRESS_LASTS_S = 15.0  # Slack gives a new one for every socket, to be used at once
_SERVER_ERROR = 500

log = structlog.get_logger()


@asynccontextmanager
async def serve_socket(app: AsyncApp, app_token: str) -> AsyncIterator[None]:
    """Socket Mode. It opens itself anew when it breaks; what Slack told meanwhile, it tells again.

    Raises:
        SlackTokenRefused: Slack does not take the token.
    """
    socket: Any = AsyncSocketModeHandler(app, app_token, ping_interval=_PING_INTERVAL_S).client  # half of it untyped
    renewing = asyncio.create_task(_renew_address(socket))
    try:
        await _check_token(socket)
        await socket.connect()
        log.info("slack connected", how="socket mode")
        yield
    finally:
        renewing.cancel()
        await socket.close()


async def _check_token(socket: Any) -> None:
    """By itself the socket would try a wrong token for ever. Raises: SlackTokenRefused."""
    try:
        socket.wss_uri = await socket.issue_new_wss_url()
    except SlackApiError as error:
        reason = str(error.response.get("error", "?"))
        if error.response.status_code < _SERVER_ERROR and reason not in PASSING:
            raise SlackTokenRefused(name="SLACK_APP_TOKEN", reason=reason) from error
        log.warning("slack is away", reason=reason)
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        log.warning("slack is away", reason=str(error) or type(error).__name__)


async def _renew_address(socket: Any) -> None:
    """While it cannot connect it tries the same address, which has expired long since; without one it asks again."""
    while True:
        await asyncio.sleep(_ADDRESS_LASTS_S)
        if not await socket.is_connected():
            socket.wss_uri = None


@asynccontextmanager
async def serve_http(app: AsyncApp, host: str, port: int) -> AsyncIterator[None]:
    """Signed requests. A forged or a stale signature is refused before anything reads the request.

    Raises:
        SettingWrong: nothing can listen there.
    """
    runner = web.AppRunner(app.web_app(path=EVENTS_PATH), access_log=None)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            where = f"{host} and {port} cannot be listened at ({error.strerror or error})"
            raise SettingWrong(name="BOT_SLACK_HTTP_HOST, BOT_SLACK_HTTP_PORT", reason=where) from error
        log.info("slack connected", how="http", host=host, port=port)
        yield
    finally:
        await runner.cleanup()
