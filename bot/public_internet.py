"""Where a stranger may send this bot: public addresses only, or it would look around in its owner's network."""

import ipaddress
import socket

from aiohttp import ThreadedResolver
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from bot.errors import Unfetchable

_PORTS = {80, 443}

# IPv4: what the address registry calls global, less multicast and the old 6to4 relays. IPv6: of the global unicast
# block only, less what carries an IPv4 address inside (Teredo and its neighbours, 6to4) and the examples. So mapped
# and NAT64 addresses, link-local, site-local and private ones are out without being named.
_PUBLIC_IPV6 = ipaddress.ip_network("2000::/3")
_CLOSED = [
    ipaddress.ip_network(block) for block in ("192.88.99.0/24", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
]


def is_public(address: str) -> bool:
    """Anybody in the world would reach the same machine under this IP address."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if not ip.is_global or ip.is_multicast or any(ip in block for block in _CLOSED):
        return False
    return ip.version == 4 or ip in _PUBLIC_IPV6  # noqa: PLR2004  the Internet Protocol's own number


def check_public(url: URL) -> None:
    """This hop may be made, as far as the address itself tells; `PublicResolver` checks what its name stands for.

    Raises:
        Unfetchable: another scheme or port, a name and password, an IP address that is not public.
    """
    host = url.raw_host
    if url.scheme not in {"http", "https"} or not host:
        raise Unfetchable(reason="only http and https addresses are fetched")
    if url.port not in _PORTS:
        raise Unfetchable(reason="only the web's own ports are asked, 80 and 443")
    if url.user is not None or url.password is not None:
        raise Unfetchable(reason="the address has a user name or a password in it")
    if _is_numeric(host) and not is_public(host):
        raise _not_public(host)


class PublicResolver(AbstractResolver):
    """Resolves names whose every address is public. The connection is then made to these addresses and no others."""

    def __init__(self) -> None:
        self._system = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """See `AbstractResolver.resolve`.

        Raises:
            Unfetchable: one of the addresses is not public: who answers so is up to no good.
        """
        found = await self._system.resolve(host, port, family)
        if not all(is_public(result["host"]) for result in found):
            raise _not_public(host)
        return found

    async def close(self) -> None:
        """See `AbstractResolver.close`."""
        await self._system.close()


def _is_numeric(host: str) -> bool:
    """No name server is asked about it: an IP address, or an old way to write one (2130706433 is 127.0.0.1)."""
    return ":" in host or host.replace(".", "").isdigit()


def _not_public(host: str) -> Unfetchable:
    return Unfetchable(reason=f"{host} is not on the public internet")
