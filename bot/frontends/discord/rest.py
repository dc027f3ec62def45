"""Calls of Discord's REST interface: each in its turn, none for ever, every refusal in our words."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, TypeVar

import aiohttp
import discord
from discord.http import HTTPClient, MultipartParameters, Route

from bot.errors import NotPosted
from bot.frontends.discord.errors import (
    ChannelClosed,
    DiscordAway,
    MessageGone,
    PostRefused,
    ThreadArchived,
    TokenExpired,
    TokenRefused,
    TooManyPosts,
)
from bot.frontends.discord.pace import Pace, Urgency
from bot.frontends.discord.permissions import lacking

T = TypeVar("T")

_PATIENCE_S = {  # for a rate limit, which discord.py waits for, or for an answer
    Urgency.SIGN: 10.0,
    Urgency.ANSWER: 30.0,
    Urgency.LOOK: 10.0,
    Urgency.LATER: 30.0,
}


class Rest:
    """A client without a gateway. It logs in when it is used first."""

    def __init__(self, token: str) -> None:
        self.pace = Pace()
        self._token = token
        self._client = discord.Client(intents=discord.Intents(guilds=True))
        self._logging_in = asyncio.Lock()
        self._is_in = False

    async def close(self) -> None:
        """Give the connections back."""
        await self._client.close()

    def messageable(self, channel: int) -> discord.PartialMessageable:
        """A channel to read from, known by its id only."""
        return self._client.get_partial_messageable(channel)

    @property
    def http(self) -> HTTPClient:
        """What makes the calls, for `paced`."""
        return self._client.http

    @property
    def application(self) -> int:
        """Our own id, known from the first call on."""
        assert self._client.application_id is not None
        return self._client.application_id

    async def _log_in(self) -> None:
        async with self._logging_in:
            if self._is_in:
                return
            try:
                await log_in(self._client, self._token)
            except (TokenRefused, DiscordAway) as error:
                raise NotPosted(reason=error.sentence) from error
            self._is_in = True

    async def send(
        self, route: Route, urgency: Urgency | None, *, doing: str, parameters: MultipartParameters | None = None
    ) -> Any:
        """One call, with a message's parameters; `doing` is the permission that it takes.

        None as `urgency` is for interactions, whose calls Discord counts apart.

        Raises:
            PostRefused, NotPosted.
        """
        http = self._client.http
        if parameters is None:
            return await self.paced(urgency, lambda: http.request(route), doing=doing)
        if parameters.files:
            files, form = parameters.files, parameters.multipart
            return await self.paced(urgency, lambda: http.request(route, files=files, form=form), doing=doing)
        return await self.paced(urgency, lambda: http.request(route, json=parameters.payload), doing=doing)

    async def paced(
        self,
        urgency: Urgency | None,
        call: Callable[[], Awaitable[T]],
        *,
        doing: str,
        fine: int | None = None,
        patience_s: float | None = None,
    ) -> T:
        """A call in its turn. `doing` is the permission that it takes; an error code that is `fine` is none.

        Raises:
            PostRefused, NotPosted.
        """
        if not self._is_in:
            await self._log_in()
        if urgency is not None:
            await self.pace.turn(urgency)
        patience_s = patience_s or _PATIENCE_S[urgency or Urgency.ANSWER]
        try:
            async with asyncio.timeout(patience_s):
                with self._global_limit_ends():
                    return await call()
        except TimeoutError as error:
            raise TooManyPosts(patience_s=patience_s) from error
        except discord.HTTPException as error:
            if fine is not None and error.code == fine:
                return None  # type: ignore[return-value]  # whoever names a fine code asks for no result
            raise _refusal(error, doing) from error
        except (aiohttp.ClientError, OSError) as error:
            raise NotPosted(reason=str(error) or type(error).__name__) from error

    @contextmanager
    def _global_limit_ends(self) -> Iterator[None]:
        """A call that is cancelled while discord.py waits for the limit on everything takes the limit's end with it.

        Nothing would be sent ever again. Reopened too early, the next call is told to wait once more.
        """
        try:
            yield
        except asyncio.CancelledError:
            self._client.http._global_over.set()  # noqa: SLF001 - discord.py has no other way to it
            raise


async def log_in(client: discord.Client, token: str) -> None:
    """Log a client in.

    Raises:
        TokenRefused, DiscordAway.
    """
    try:
        await client.login(token)
    except discord.LoginFailure:
        raise TokenRefused from None
    except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
        raise DiscordAway(reason=str(error) or type(error).__name__) from error


def _refusal(error: discord.HTTPException, doing: str) -> PostRefused | NotPosted:
    """What an error means for whoever wants to post; `doing` is the permission that it took."""
    if error.code in _REFUSALS:
        return _REFUSALS[error.code]()
    if error.status in _OURS or error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return NotPosted(reason=str(error))
    if error.code == _MISSING_PERMISSION and doing:
        return ChannelClosed(reason=lacking([doing]))
    return PostRefused(reason=str(error))


_OURS = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.UNAUTHORIZED}  # no fault of the post: another try may be taken
_MISSING_PERMISSION = 50013
_REFUSALS: dict[int, Callable[[], PostRefused]] = {  # by Discord's error code
    10003: lambda: ChannelClosed(reason="The channel is not there any more"),
    10008: MessageGone,
    10015: TokenExpired,
    10062: TokenExpired,
    50001: lambda: ChannelClosed(reason=lacking(["view_channel"])),
    50007: lambda: ChannelClosed(reason="They take no direct messages from me"),
    50027: TokenExpired,
    50083: ThreadArchived,
    160002: lambda: ChannelClosed(reason=lacking(["read_message_history"])),
    160005: lambda: ChannelClosed(reason="The thread is locked"),
}
