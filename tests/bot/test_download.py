from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
from aiohttp import web
from yarl import URL

from bot.download import Hosts, download
from bot.errors import Unfetchable

ANYWHERE = Hosts(None)


class Site:
    """A small web server on loopback."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.asked: list[str] = []

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async def serve(request: web.Request) -> web.StreamResponse:
        opened.asked.append(request.path)
        match request.path.strip("/").split("/"):
            case ["picture"]:
                return web.Response(body=b"pixels" * 50_000)
            case ["hop", "0"]:
                raise web.HTTPFound("/picture")
            case ["hop", left]:
                raise web.HTTPFound(f"/hop/{int(left) - 1}")
            case ["away"]:
                raise web.HTTPFound("http://localhost:1/picture")
            case ["file"]:
                raise web.HTTPFound("file:///etc/passwd")
            case ["cut"]:
                response = web.StreamResponse(headers={"Content-Length": "1000"})
                await response.prepare(request)
                await response.write(b"only this")
                assert request.transport is not None
                request.transport.close()
                return response
        raise web.HTTPNotFound

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", serve)
    runner = web.AppRunner(app)
    await runner.setup()
    server = web.TCPSite(runner, "127.0.0.1", 0)
    await server.start()
    opened = Site(runner.addresses[0][1])
    yield opened
    await runner.cleanup()


async def read(address: str, hosts: Hosts = ANYWHERE) -> bytes:
    async with aclosing(download(address, hosts)) as pieces:
        return b"".join([piece async for piece in pieces])


async def test_the_body_arrives_whole(site: Site) -> None:
    assert await read(site.url("/picture")) == b"pixels" * 50_000


async def test_three_redirects_are_followed(site: Site) -> None:
    assert len(await read(site.url("/hop/2"))) == 300_000
    assert site.asked == ["/hop/2", "/hop/1", "/hop/0", "/picture"]


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/nothing", "the server answers 404"),
        ("/hop/3", "more than 3 redirects"),
        ("/cut", "it was cut short on the way"),
        ("/file", "file:///etc/passwd is not a place to fetch pictures from"),
        ("/away", "localhost cannot be reached"),
    ],
)
async def test_what_brings_no_body_says_why(site: Site, path: str, reason: str) -> None:
    with pytest.raises(Unfetchable) as refused:
        await read(site.url(path))
    assert refused.value.facts["reason"] == reason


async def test_only_the_hosts_of_a_platform_are_asked(site: Site) -> None:
    with pytest.raises(Unfetchable):
        await read(site.url("/picture"), Hosts(frozenset({"cdn.example.com"})))
    assert site.asked == []


async def test_a_redirect_off_the_platforms_hosts_is_not_followed(site: Site) -> None:
    with pytest.raises(Unfetchable) as refused:
        await read(site.url("/away"), Hosts(frozenset({"127.0.0.1"})))
    assert refused.value.facts["reason"] == "localhost is not a place to fetch pictures from"


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://cdn.example.com/a.png", True),
        ("https://media.example.net/a.png", True),
        ("https://example.net/a.png", False),
        ("https://evil-example.net/a.png", False),
        ("https://cdn.example.com.evil.org/a.png", False),
        ("ftp://cdn.example.com/a.png", False),
    ],
)
def test_a_leading_dot_stands_for_all_hosts_below(url: str, allowed: bool) -> None:  # noqa: FBT001  pytest hands it over
    assert Hosts(frozenset({"cdn.example.com", ".example.net"})).allows(URL(url)) is allowed


async def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(Unfetchable):
        await read("http://[not an address/")
