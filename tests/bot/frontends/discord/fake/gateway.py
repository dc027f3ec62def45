"""The gateway: JSON over a websocket, sessions that can be resumed."""

import asyncio
import contextlib
import json
import secrets
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.bot.frontends.discord.fake.world import Payload

GUILDS, GUILD_MESSAGES, DIRECT_MESSAGES, MESSAGE_CONTENT = 1 << 0, 1 << 9, 1 << 12, 1 << 15
_HEARTBEAT_MS = 41_250
_HEARTBEAT, _IDENTIFY, _RESUME = 1, 2, 6
_WRONG_TOKEN, _INTENT_NOT_ALLOWED = 4004, 4014


@dataclass(eq=False)
class Session:
    """What one connection is told, and what it may hear again after it was cut."""

    intents: int
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    sent: deque[Payload] = field(default_factory=lambda: deque(maxlen=1000))
    number: int = 0
    socket: web.WebSocketResponse | None = None
    outgoing: asyncio.Queue[Payload] = field(default_factory=asyncio.Queue)

    def dispatch(self, event: str, payload: Payload) -> None:
        self.number += 1
        frame = {"op": 0, "t": event, "s": self.number, "d": payload}
        self.sent.append(frame)
        if self.socket is not None:
            self.outgoing.put_nowait(frame)


class Gateway:
    """All sessions. `allowed_intents` is what is switched on in the developer portal."""

    def __init__(self, token: str) -> None:
        self._token = token
        self.sessions: dict[str, Session] = {}
        self.allowed_intents = MESSAGE_CONTENT
        self.identified = 0
        self.resumed = 0

    @property
    def is_connected(self) -> bool:
        return any(session.socket is not None for session in self.sessions.values())

    def reads_content(self, session: Session) -> bool:
        return bool(session.intents & self.allowed_intents & MESSAGE_CONTENT)

    async def cut(self) -> None:
        """The network fails; the sessions can be resumed."""
        for session in self.sessions.values():
            if session.socket is not None and session.socket._req is not None:
                transport = session.socket._req.transport
                assert transport is not None
                transport.abort()

    async def reset_token(self) -> None:
        """Somebody has another token made: the connections end, and the sessions with them."""
        for session in self.sessions.values():
            if session.socket is not None:
                await session.socket.close(code=_WRONG_TOKEN)

    async def serve(
        self, request: web.Request, ready: "dict[str, Any]", greeting: list[tuple[str, Payload]]
    ) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        await socket.send_str(json.dumps({"op": 10, "d": {"heartbeat_interval": _HEARTBEAT_MS}}))
        session: Session | None = None
        writer: asyncio.Task[None] | None = None
        try:
            async for frame in socket:
                received = json.loads(frame.data)
                if received["op"] == _HEARTBEAT:
                    await socket.send_str(json.dumps({"op": 11}))
                    continue
                if received["op"] == _IDENTIFY:
                    session = await self._identify(socket, received["d"], ready, greeting)
                elif received["op"] == _RESUME:
                    session = self._resume(socket, received["d"])
                if session is None:
                    break
                if writer is None:
                    writer = asyncio.create_task(_write(session, socket))
        finally:
            if writer is not None:
                writer.cancel()
            if session is not None and session.socket is socket:
                session.socket = None
        return socket

    def _resume(self, socket: web.WebSocketResponse, wish: Payload) -> Session:
        self.resumed += 1
        session = self.sessions[wish["session_id"]]
        session.socket = socket
        session.outgoing = asyncio.Queue()
        for missed in session.sent:
            if missed["s"] > wish["seq"]:
                session.outgoing.put_nowait(missed)
        session.dispatch("RESUMED", {})
        return session

    async def _identify(
        self,
        socket: web.WebSocketResponse,
        identity: Payload,
        ready: Payload,
        greeting: list[tuple[str, Payload]],
    ) -> Session | None:
        self.identified += 1
        if identity["token"] != self._token:
            await socket.close(code=_WRONG_TOKEN)
            return None
        if identity["intents"] & MESSAGE_CONTENT & ~self.allowed_intents:
            await socket.close(code=_INTENT_NOT_ALLOWED)
            return None
        session = Session(identity["intents"], socket=socket)
        self.sessions[session.id] = session
        session.dispatch("READY", {**ready, "session_id": session.id})
        for event, payload in greeting:
            session.dispatch(event, payload)
        return session


async def _write(session: Session, socket: web.WebSocketResponse) -> None:
    with contextlib.suppress(ConnectionError, RuntimeError):
        while True:
            await socket.send_str(json.dumps(await session.outgoing.get()))
