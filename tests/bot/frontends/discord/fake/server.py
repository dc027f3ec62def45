"""A small Discord on loopback: what discord.py needs of it, with the rules that a bot meets."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tests.bot.frontends.discord.fake.gateway import DIRECT_MESSAGES, GUILD_MESSAGES, GUILDS, Gateway
from tests.bot.frontends.discord.fake.limits import Limits, TooMany
from tests.bot.frontends.discord.fake.refusals import Refusal, missing_access, unknown_channel, unknown_message
from tests.bot.frontends.discord.fake.world import (
    ALL,
    DM,
    NEEDED,
    Channel,
    File,
    Guild,
    Interaction,
    Message,
    Payload,
    User,
)

TOKEN = "aWQ.time.signature"


@dataclass(frozen=True)
class Call:
    """One request of the bot's."""

    method: str
    path: str
    body: Payload
    at: float
    status: int


@dataclass
class Fault:
    """What the next matching calls meet. `after`: they take effect, only the answer is lost."""

    method: str
    path: re.Pattern[str]
    status: int | None  # None: the connection is cut
    times: int
    after: bool = False
    retry_after: float = 0.0


Handler = Callable[["FakeDiscord", dict[str, str], Payload, list[File]], Any]


@dataclass(frozen=True)
class Route:
    method: str
    path: re.Pattern[str]
    handler: Handler
    most: int
    per_s: float


ROUTES: list[Route] = []


def route(method: str, template: str, most: int = 50, per_s: float = 1.0) -> Callable[[Handler], Handler]:
    """A handler of `template`, which takes `most` calls in `per_s` seconds for each channel or token."""

    def register(handler: Handler) -> Handler:
        pattern = re.compile(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", template) + "$")
        ROUTES.append(Route(method, pattern, handler, most, per_s))
        return handler

    return register


class FakeDiscord:
    """The whole of it. People act through `tests...fake.people`."""

    def __init__(self) -> None:
        self.bot = User("sight", bot=True)
        self.users: dict[int, User] = {self.bot.id: self.bot}
        self.guilds: dict[int, Guild] = {}
        self.channels: dict[int, Channel] = {}
        self.messages: dict[int, Message] = {}
        self.directs: dict[int, Channel] = {}
        self.interactions: dict[int, Interaction] = {}
        self.commands: dict[tuple[int, str], Payload] = {}
        self.files: dict[int, tuple[File, int]] = {}  # with the channel
        self.nonces: dict[tuple[int, str], int] = {}
        self.calls: list[Call] = []
        self.unknown: list[str] = []
        self.typing: list[int] = []
        self.faults: list[Fault] = []
        self.limits = Limits()
        self.gateway = Gateway(TOKEN)
        self.token_lives_s = 900.0
        self.base = ""
        self.port = 0

    # ---------------------------------------------------------------- the world

    def add_guild(self, name: str = "Test", permissions: frozenset[str] = NEEDED) -> Guild:
        guild = Guild(name)
        guild.members[self.bot.id] = permissions
        guild.roles[self.bot.id] = [guild.bot_role]
        self.guilds[guild.id] = guild
        self.tell("GUILD_CREATE", guild.payload(self.bot), GUILDS)
        return guild

    def add_channel(self, guild: Guild, name: str = "general", **others: Any) -> Channel:
        channel = Channel(name, guild, **others)
        guild.channels.append(channel)
        self.channels[channel.id] = channel
        self.tell("THREAD_CREATE" if channel.parent else "CHANNEL_CREATE", channel.payload(), GUILDS)
        return channel

    def add_user(self, name: str, guild: Guild | None = None, permissions: frozenset[str] = NEEDED) -> User:
        user = User(name)
        self.users[user.id] = user
        if guild is not None:
            guild.members[user.id] = permissions
        return user

    def direct(self, user: User) -> Channel:
        if user.id not in self.directs:
            self.directs[user.id] = Channel(user.name, kind=DM, owner=user)
            self.channels[self.directs[user.id].id] = self.directs[user.id]
        return self.directs[user.id]

    def keep(self, message: Message) -> Message:
        """It stands in its channel from now on, and is told of."""
        message.channel.messages.append(message)
        self.messages[message.id] = message
        self.files.update({file.id: (file, message.channel.id) for file in message.files})
        self.tell_message("MESSAGE_CREATE", message)
        return message

    def tell(self, event: str, payload: Payload, intent: int) -> None:
        for session in self.gateway.sessions.values():
            if intent == 0 or session.intents & intent:
                session.dispatch(event, payload)

    def tell_message(self, event: str, message: Message) -> None:
        if message.seen_by is not None:
            return
        intent = GUILD_MESSAGES if message.channel.guild else DIRECT_MESSAGES
        for session in self.gateway.sessions.values():
            if session.intents & intent:
                open_to_us = message.channel.guild is None or message.author is self.bot or self.bot in message.mentions
                blank = not open_to_us and not self.gateway.reads_content(session)
                session.dispatch(event, message.payload(self.base, blank=blank))

    def permissions(self, user: User, channel: Channel) -> frozenset[str]:
        if channel.guild is None:
            return ALL
        granted = channel.guild.members.get(user.id, frozenset())
        denied = (channel.parent or channel).denied if user is self.bot else frozenset[str]()
        return granted - denied

    def own_channel(self, channel_id: str, need: str = "view_channel") -> Channel:
        """A channel that the bot may use like this.

        Raises:
            Refusal
        """
        channel = self.channels.get(int(channel_id))
        if channel is None or channel.deleted:
            raise unknown_channel()
        granted = self.permissions(self.bot, channel)
        if "view_channel" not in granted:
            raise missing_access()
        if need not in granted:
            raise Refusal(403, 50013, "Missing Permissions")
        return channel

    def standing(self, channel: Channel, message_id: str) -> Message:
        message = self.messages.get(int(message_id))
        if message is None or message.deleted or message.channel is not channel or message.seen_by is not None:
            raise unknown_message()
        return message

    # ---------------------------------------------------------------- looking

    @property
    def posts(self) -> list[Message]:
        """What the bot has written and still stands, private things included."""
        return [message for message in self.messages.values() if message.author is self.bot and not message.deleted]

    def said_in(self, channel: Channel) -> list[str]:
        return [message.content for message in channel.written if message.author is self.bot]

    def made(self, method: str, path: str) -> list[Call]:
        return [call for call in self.calls if call.method == method and re.search(path, call.path)]

    def fail(
        self,
        method: str,
        path: str,
        *,
        status: int | None = 503,
        times: int = 1,
        after: bool = False,
        retry_after: float = 0.0,
    ) -> None:
        self.faults.append(Fault(method, re.compile(path), status, times, after, retry_after))

    # ---------------------------------------------------------------- serving

    async def serve(self, request: web.Request) -> web.StreamResponse:
        path = request.path
        if path == "/gateway":
            ready = {
                "v": 10,
                "user": self.bot.payload(),
                "guilds": [{"id": str(guild), "unavailable": True} for guild in self.guilds],
                "application": {"id": str(self.bot.id), "flags": 0},
                "resume_gateway_url": f"ws://127.0.0.1:{self.port}/gateway",
                "private_channels": [],
            }
            greeting = [("GUILD_CREATE", guild.payload(self.bot)) for guild in self.guilds.values()]
            return await self.gateway.serve(request, ready, greeting)
        if path.startswith("/attachments/"):
            return await self._serve_file(request)
        return await self._serve_call(request, path.removeprefix("/api/v10"))

    async def _serve_call(self, request: web.Request, path: str) -> web.StreamResponse:
        body, files = await _read(request)
        body["_query"] = dict(request.query)
        headers: dict[str, str] = {}
        fault = next(
            (
                fault
                for fault in self.faults
                if fault.times and fault.method == request.method and fault.path.search(path)
            ),
            None,
        )
        if fault is not None:
            fault.times -= 1
        status, answer = 200, None
        try:
            if fault is not None and not fault.after:
                raise (
                    TooMany(fault.retry_after, is_global=False)
                    if fault.status == 429
                    else Refusal(fault.status or 0, 0, "fault")
                )
            status, answer = await self._handle(request, path, body, files, headers)
            if fault is not None:
                status, answer = fault.status or 0, {"message": "fault", "code": 0}
        except TooMany as limit:
            status = 429
            answer = {
                "message": "You are being rate limited.",
                "retry_after": limit.retry_after,
                "global": limit.is_global,
            }
            headers |= {"Retry-After": "1", "Via": "1.1 google"}
        except Refusal as refusal:
            status, answer = refusal.status, {"message": refusal.message, "code": refusal.code}
        self.calls.append(Call(request.method, path, body, time.time(), status))
        if status == 0:
            assert request.transport is not None
            request.transport.abort()
        if answer is None:
            return web.Response(status=204, headers=headers)
        headers["Content-Type"] = "application/json"
        return web.Response(status=status or 500, headers=headers, body=json.dumps(answer).encode())

    async def _handle(
        self, request: web.Request, path: str, body: Payload, files: list[File], headers: dict[str, str]
    ) -> tuple[int, Any]:
        for known in ROUTES:
            found = known.path.match(path)
            if known.method != request.method or found is None:
                continue
            by_token = path.startswith(("/webhooks/", "/interactions/"))
            if not by_token and request.headers.get("Authorization") != f"Bot {TOKEN}":
                raise Refusal(401, 0, "401: Unauthorized")
            names = found.groupdict()
            major = names.get("channel") or names.get("token") or ""
            headers |= self.limits.count(
                f"{known.method} {known.path.pattern}", major, known.most, known.per_s, counts_globally=not by_token
            )
            return 200, known.handler(self, names, body, files)
        self.unknown.append(f"{request.method} {path}")
        raise Refusal(404, 0, "404: Not Found")

    async def _serve_file(self, request: web.Request) -> web.StreamResponse:
        _, _, channel, name, _ = request.path.split("/", 4)
        file, _channel = self.files.get(int(name), (None, 0))
        expires = int(request.query.get("ex", "0"), 16)
        if file is None or request.query.get("hm") != file.sign(int(channel), expires) or expires < time.time():
            return web.Response(status=404, text="This content is no longer available.")
        file.fetched += 1
        await asyncio.sleep(file.pause_s)
        response = web.StreamResponse(headers={"Content-Length": str(len(file.content))})
        await response.prepare(request)
        await response.write(file.content[: file.cut_at])
        if file.cut_at is not None:
            assert request.transport is not None
            request.transport.close()
        return response


async def _read(request: web.Request) -> tuple[Payload, list[File]]:
    if request.content_type == "application/json":
        return _object(await request.json()), []
    if not request.content_type.startswith("multipart/"):
        return {}, []
    body: Payload = {}
    files: list[File] = []
    async for part in await request.multipart():
        if part.name == "payload_json":
            body = json.loads(await part.text())
        else:
            files.append(File(part.filename, bytes(await part.read()), None))
    return body, files


def _object(body: Any) -> Payload:
    return body if isinstance(body, dict) else {"list": body}


@asynccontextmanager
async def open_discord() -> AsyncIterator[FakeDiscord]:
    """Serving until the end."""
    discord = FakeDiscord()
    app = web.Application(client_max_size=64 * 1024**2)
    app.router.add_route("*", "/{path:.*}", discord.serve)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    discord.port = runner.addresses[0][1]
    discord.base = f"http://127.0.0.1:{discord.port}"
    try:
        yield discord
    finally:
        await runner.cleanup()
