"""A small web server on loopback with the habits of the web: redirects, errors, connections cut short."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

PICTURE = b"pixels" * 50_000


class Site:
    """A small web server on loopback."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.asked: list[str] = []
        self.left: list[str] = []  # what nobody wanted to the end
        self.headers: list[dict[str, str]] = []

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"


@asynccontextmanager
async def open_site() -> AsyncIterator[Site]:
    async def serve(request: web.Request) -> web.StreamResponse:
        site.asked.append(request.path)
        site.headers.append(dict(request.headers))
        name, *rest = request.path.strip("/").split("/")
        match name:
            case "picture":
                return web.Response(body=PICTURE)
            case "zipped":
                return web.Response(body=gzip.compress(PICTURE), headers={"Content-Encoding": "gzip"})
            case "cut":
                return await _cut_short(request)
            case "endless":
                return await _endless(request, site)
        raise _redirect(name, rest)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", serve)
    runner = web.AppRunner(app)
    await runner.setup()
    server = web.TCPSite(runner, "127.0.0.1", 0)
    await server.start()
    site = Site(runner.addresses[0][1])
    yield site
    await runner.cleanup()


def _redirect(name: str, rest: list[str]) -> web.HTTPException:
    match name, rest:
        case "hop", [left]:
            return web.HTTPFound(f"/hop/{int(left) - 1}" if int(left) else "/picture")
        case "away", []:
            return web.HTTPFound("http://localhost:1/picture")
        case "file", []:
            return web.HTTPFound("file:///etc/passwd")
        case "to", _:
            return web.HTTPFound("/".join(rest))
        case "cookie", []:
            found = web.HTTPFound("/picture")
            found.set_cookie("who", "me")
            return found
    return web.HTTPNotFound()


async def _cut_short(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b"only this")
    assert request.transport is not None
    request.transport.close()
    return response


async def _endless(request: web.Request, site: Site) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    try:
        while True:
            await response.write(b"more" * 1000)
            await asyncio.sleep(0.01)
    except ConnectionError:
        site.left.append(request.path)
    return response
