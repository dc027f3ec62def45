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
        opened.asked.append(request.path)
        opened.headers.append(dict(request.headers))
        match request.path.strip("/").split("/"):
            case ["picture"]:
                return web.Response(body=PICTURE)
            case ["hop", "0"]:
                raise web.HTTPFound("/picture")
            case ["hop", left]:
                raise web.HTTPFound(f"/hop/{int(left) - 1}")
            case ["away"]:
                raise web.HTTPFound("http://localhost:1/picture")
            case ["file"]:
                raise web.HTTPFound("file:///etc/passwd")
            case ["to", *target]:
                raise web.HTTPFound("/".join(target))
            case ["cookie"]:
                response = web.HTTPFound("/picture")
                response.set_cookie("who", "me")
                raise response
            case ["zipped"]:
                return web.Response(body=gzip.compress(PICTURE), headers={"Content-Encoding": "gzip"})
            case ["endless"]:
                response = web.StreamResponse()
                await response.prepare(request)
                try:
                    while True:
                        await response.write(b"more" * 1000)
                        await asyncio.sleep(0.01)
                except ConnectionError:
                    opened.left.append(request.path)
                return response
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
