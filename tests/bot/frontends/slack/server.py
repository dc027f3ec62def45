"""The small Slack on the wire: Web API, Socket Mode, signed requests and private files, on the loopback only."""

import asyncio
import contextlib
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import aiohttp
from aiohttp import web

from tests.bot.frontends.slack.web_api import RefusedError, WebApi
from tests.bot.frontends.slack.world import Message, Team, new_ts

APP_TOKEN = "xapp-1-A1"
SIGNING_SECRET = "signing-secret"
SIGN_IN = "<!DOCTYPE html><title>Sign in | Slack</title>"


@dataclass
class Fault:
    """What the next calls of a method meet with."""

    times: int
    error: str = ""
    status: int = 0
    lost: bool = False  # done, but the answer does not come
    delay_s: float = 0.0

    def strike(self) -> None:
        if self.error or self.status:
            raise RefusedError(self.error or "internal_error", status=self.status or 200)


@dataclass
class Envelope:
    """Something that was told to the app. `answer` is what came with the acknowledgement."""

    type: str
    payload: dict[str, Any]
    sent: list[float] = field(default_factory=list)
    acknowledged: asyncio.Event = field(default_factory=asyncio.Event)
    acknowledged_after_s: float = 0.0
    statuses: list[int] = field(default_factory=list)
    answer: Any = None


class SlackServer:
    """One Slack with any number of workspaces."""

    def __init__(self) -> None:
        self.api = WebApi()
        self.url = ""
        self.request_url = ""  # where signed requests go, instead of a socket
        self.acknowledge_within_s = 3.0
        self.retries_s: tuple[float, ...] = (0.1, 0.2, 0.2)
        self.envelopes: list[Envelope] = []
        self.downloads: list[tuple[str, str]] = []  # file and Authorization header
        self.faults: dict[str, Fault] = {}
        self.responses: list[str] = []  # what came to a response_url
        self.losing = 0  # acknowledgements that get lost
        self.is_down = False  # no socket opens
        self.links = 0  # addresses for sockets that were given
        self._links: set[str] = set()  # those that are not used yet
        self._sockets: list[web.WebSocketResponse] = []
        self._waiting: dict[str, Envelope] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._http = aiohttp.ClientSession()

    @property
    def api_url(self) -> str:
        return f"{self.url}/api/"

    @property
    def is_connected(self) -> bool:
        return any(not socket.closed for socket in self._sockets)

    def add_team(self, team: str = "T1") -> Team:
        """A workspace; every one has the same people, channels and files by name."""
        added = Team(id=team, token=f"xoxb-{team}", bot_user=f"UBOT{team}", bot=f"BBOT{team}")
        self.api.teams[added.token] = added
        return added

    def fail(self, method: str, **fault: Any) -> None:
        self.faults[method] = Fault(**{"times": 1, **fault})

    async def drop_sockets(self) -> None:
        for socket in list(self._sockets):
            transport = socket._req.transport if socket._req else None
            if transport is not None:
                transport.abort()

    # ------------------------------------------------------------ to the app

    def tell(self, team: Team, event: dict[str, Any]) -> Envelope:
        """An event; told again until it is acknowledged."""
        payload = {
            "type": "event_callback",
            "team_id": team.id,
            "api_app_id": "A1",
            "event": {"event_ts": new_ts(), **event},
            "event_id": f"Ev{new_ts()}",
            "authorizations": [{"team_id": team.id, "enterprise_id": None, "is_enterprise_install": False}],
        }
        return self.send(Envelope("events_api", payload), retries_s=self.retries_s)

    def tell_message(self, team: Team, message: Message, *, kind: str | None = None) -> Envelope:
        """`message`, and `app_mention` where it names the bot, in that order."""
        direct = message.channel.startswith("D")
        shown = {**self.api.shown(team, message), "channel": message.channel}
        told = self.tell(team, {**shown, "channel_type": kind or ("im" if direct else "channel")})
        self.tell_mention(team, message)
        return told

    def tell_mention(self, team: Team, message: Message) -> None:
        """`app_mention`, where it names the bot in a channel; once for the message, and for every edit of it."""
        if f"<@{team.bot_user}>" in message.text and not message.channel.startswith("D"):
            shown = {**self.api.shown(team, message), "channel": message.channel}
            shown.pop("subtype", None)
            self.tell(team, {**shown, "type": "app_mention"})

    def send(self, envelope: Envelope, *, retries_s: tuple[float, ...] = ()) -> Envelope:
        self.envelopes.append(envelope)
        task = asyncio.create_task(self._deliver(envelope, retries_s))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return envelope

    async def _deliver(self, envelope: Envelope, retries_s: tuple[float, ...]) -> None:
        for attempt, pause_s in enumerate((0.0, *retries_s)):
            await asyncio.sleep(pause_s)
            await self._attempt(envelope, attempt)
            if envelope.acknowledged.is_set():
                return

    async def _attempt(self, envelope: Envelope, attempt: int) -> None:
        envelope.sent.append(time.monotonic())
        if self.request_url:
            await self.post(envelope, attempt=attempt)
            return
        socket = next((socket for socket in self._sockets if not socket.closed), None)
        if socket is None:
            return
        name = f"{id(envelope)}/{attempt}"
        self._waiting[name] = envelope
        message = {"envelope_id": name, "type": envelope.type, "payload": envelope.payload, "retry_attempt": attempt}
        with contextlib.suppress(ConnectionError):
            await socket.send_json(message)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.acknowledge_within_s):
                await envelope.acknowledged.wait()

    async def post(
        self, envelope: Envelope, *, attempt: int = 0, secret: str = SIGNING_SECRET, age_s: float = 0.0
    ) -> int:
        """A signed request; its status."""
        body, content_type = json.dumps(envelope.payload), "application/json"
        if envelope.type == "slash_commands":
            body, content_type = urlencode(envelope.payload), "application/x-www-form-urlencoded"
        elif envelope.type == "interactive":
            body, content_type = urlencode({"payload": body}), "application/x-www-form-urlencoded"
        stamp = str(int(time.time() - age_s))
        signature = hmac.new(secret.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256).hexdigest()
        headers = {
            "Content-Type": content_type,
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": f"v0={signature}",
            **({"X-Slack-Retry-Num": str(attempt)} if attempt else {}),
        }
        async with self._http.post(self.request_url, data=body, headers=headers) as response:
            envelope.statuses.append(response.status)
            text = await response.text()
            if response.status == 200:
                self._acknowledge(
                    envelope, json.loads(text) if text.startswith("{") else {"text": text} if text else None
                )
            return response.status

    def _acknowledge(self, envelope: Envelope, answer: Any) -> None:
        if self.losing:
            self.losing -= 1
            return
        envelope.answer = answer
        envelope.acknowledged_after_s = time.monotonic() - envelope.sent[-1] if envelope.sent else 0.0
        envelope.acknowledged.set()

    # ------------------------------------------------------------ from the app

    async def handle_api(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        fault = self._fault(method)
        if method == "apps.connections.open":
            if fault is not None:
                return web.json_response({"ok": False, "error": "internal_error"}, status=fault.status)
            if token != APP_TOKEN:
                return web.json_response({"ok": False, "error": "invalid_auth"})
            link = new_ts()
            self.links += 1
            self._links.add(link)
            return web.json_response({"ok": True, "url": f"ws{self.url[4:]}/socket?link={link}"})
        if method == "oauth.v2.access":
            return await self._install(request)
        is_json = request.content_type == "application/json"
        arguments = {**request.query, **(await request.json() if is_json else await request.post())}
        try:
            if fault is not None and not fault.lost:
                await asyncio.sleep(fault.delay_s)
                fault.strike()
            body = self.api.answer(method, token, arguments, is_json=is_json)
        except RefusedError as error:
            return web.json_response(error.body, status=error.status, headers={"Retry-After": "1"})
        if fault is not None and fault.lost:
            assert request.transport is not None
            request.transport.abort()
        scopes = ",".join(sorted(self.api.teams[token].scopes))
        return web.json_response(body, headers={"x-oauth-scopes": scopes})

    async def _install(self, request: web.Request) -> web.StreamResponse:
        """The code that a person brings back is the workspace that was chosen."""
        sent = {**await request.post(), **request.query}
        team = next(team for team in self.api.teams.values() if team.id == sent["code"])
        return web.json_response(
            {
                "ok": True,
                "app_id": "A1",
                "access_token": team.token,
                "bot_user_id": team.bot_user,
                "scope": ",".join(sorted(team.scopes)),
                "team": {"id": team.id, "name": team.id},
                "authed_user": {"id": "UALICE"},
                "enterprise": None,
                "is_enterprise_install": False,
            }
        )

    def _fault(self, method: str) -> Fault | None:
        fault = self.faults.get(method)
        if fault is None or not fault.times:
            return None
        fault.times -= 1
        return fault

    async def handle_socket(self, request: web.Request) -> web.StreamResponse:
        link = request.query["link"]
        if link not in self._links:
            return web.Response(status=403)
        self._links.discard(link)
        if self.is_down:
            return web.Response(status=503)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"type": "hello"})
        self._sockets.append(socket)
        async for message in socket:
            told = json.loads(message.data)
            envelope = self._waiting.get(told.get("envelope_id"))
            if envelope is not None:
                self._acknowledge(envelope, told.get("payload"))
        return socket

    async def handle_file(self, request: web.Request) -> web.StreamResponse:
        team_id, _, file_id = request.match_info["file"].partition("-")
        authorization = request.headers.get("Authorization", "")
        self.downloads.append((file_id, authorization))
        team = self.api.teams.get(authorization.removeprefix("Bearer "))
        if team is None or team.id != team_id or "files:read" not in team.scopes:
            return web.Response(text=SIGN_IN, content_type="text/html")
        file = team.files[file_id]
        if file.busy:
            file.busy -= 1
            return web.Response(status=file.busy_with, headers={"Retry-After": "0"})
        if file.redirect:
            return web.Response(status=302, headers={"Location": file.redirect})
        if file.is_deleted:
            return web.Response(status=404)
        if file.is_cut_short:
            answer = web.StreamResponse(headers={"Content-Length": str(len(file.content))})
            await answer.prepare(request)
            await answer.write(file.content[:20])
            assert request.transport is not None
            request.transport.close()
            return answer
        return web.Response(body=file.content, content_type="application/octet-stream")

    async def handle_upload(self, request: web.Request) -> web.StreamResponse:
        assert "Authorization" not in request.headers
        self.api.uploads[request.match_info["file"]].content = await request.read()
        return web.Response(text="OK")

    async def handle_response(self, request: web.Request) -> web.StreamResponse:
        self.responses.append((await request.json())["text"])
        return web.Response(text="ok")

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        for socket in self._sockets:
            await socket.close()
        await self._http.close()


@asynccontextmanager
async def open_server() -> AsyncIterator[SlackServer]:
    """Listening on a free port."""
    server = SlackServer()
    app = web.Application(client_max_size=32 * 1024**2)
    app.router.add_route("*", "/api/{method}", server.handle_api)
    app.router.add_get("/socket", server.handle_socket)
    app.router.add_get("/files/{file}/{name}", server.handle_file)
    app.router.add_post("/upload/{file}", server.handle_upload)
    app.router.add_post("/response/{id}", server.handle_response)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    server.api.files_url = f"{server.url}/files/"
    server.api.upload_url = f"{server.url}/upload/"
    try:
        yield server
    finally:
        await server.close()
        await runner.cleanup()


async def eventually(condition: Callable[[], object], *, within_s: float = 8.0) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(within_s):
        while not condition():
            await asyncio.sleep(0.01)
