"""Bytes from http(s) addresses: few redirects, each checked, no time limit of its own (whoever reads has one)."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager

import aiohttp
import msgspec
from yarl import URL

from bot.errors import Unfetchable
from bot.public_internet import PublicResolver, check_public

_REDIRECTS = 3
_PIECE_BYTES = 64 * 1024
_MOVED = {301, 302, 303, 307, 308}
_AS_IT_IS = {"Accept-Encoding": "identity"}  # pictures are compressed already, and nobody unpacks a bomb here


class Hosts(msgspec.Struct, frozen=True):
    """Where pictures may be fetched from: these hosts, a leading dot standing for all below; None is anywhere.

    Anywhere is for a person at their own machine, who could fetch the address anyway. For everybody else the list
    holds the platform's own hosts, or a stranger could have the bot look around in its owner's network.
    """

    names: frozenset[str] | None

    def allows(self, url: URL) -> bool:
        """This hop may be made."""
        if url.scheme not in {"http", "https"} or url.host is None:
            return False
        if self.names is None:
            return True
        return any(url.host == name or (name[0] == "." and url.host.endswith(name)) for name in self.names)


async def download(address: str, hosts: Hosts) -> AsyncGenerator[bytes, None]:
    """The body in pieces.

    Raises:
        Unfetchable: no such host, an answer that is no body, too many redirects, a connection cut short.
    """

    def check(url: URL) -> None:
        if not hosts.allows(url):
            raise Unfetchable(reason=f"{url.host or url} is not a place to fetch pictures from")

    async with aclosing(_download(address, check, aiohttp.TCPConnector())) as pieces:
        async for piece in pieces:
            yield piece


async def download_public(address: str) -> AsyncGenerator[bytes, None]:
    """The same for an address that a stranger wrote: every hop leads to the public internet or is not made.

    Raises:
        Unfetchable: as `download`, and for an address that is not public.
    """
    connector = aiohttp.TCPConnector(resolver=PublicResolver(), use_dns_cache=False, force_close=True)
    async with aclosing(_download(address, check_public, connector)) as pieces:
        async for piece in pieces:
            yield piece


async def _download(
    address: str, check: Callable[[URL], None], connector: aiohttp.TCPConnector
) -> AsyncGenerator[bytes, None]:
    session = aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar(), headers=_AS_IT_IS, auto_decompress=False
    )
    try:
        async with session, _opened(session, address, check) as response:
            if response.status != 200:  # noqa: PLR2004  HTTP OK
                raise Unfetchable(reason=f"the server answers {response.status}")
            async for piece in response.content.iter_chunked(_PIECE_BYTES):
                yield piece
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise Unfetchable(reason=_reason(error)) from error


@asynccontextmanager
async def _opened(
    session: aiohttp.ClientSession, address: str, check: Callable[[URL], None]
) -> AsyncIterator[aiohttp.ClientResponse]:
    """The answer at the end of the redirects, every hop of them checked."""
    url = URL(address)
    for _ in range(_REDIRECTS + 1):
        check(url)
        async with session.get(url, allow_redirects=False) as response:
            target = response.headers.get("Location")
            if response.status not in _MOVED or target is None:
                yield response
                return
            url = url.join(URL(target))
    raise Unfetchable(reason=f"more than {_REDIRECTS} redirects")


def _reason(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"{error.host} cannot be reached"
    if isinstance(error, aiohttp.ClientPayloadError):
        return "it was cut short on the way"
    return str(error) or type(error).__name__
