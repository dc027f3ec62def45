"""Conversations over Redis."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import TypeVar
from urllib.parse import unquote

import msgspec
import structlog

from jobs.conversation import Conversation, ConversationId, Forgotten
from jobs.redis.encoding import escape_source, place_of, read_picture, read_turn
from jobs.redis.server import Server

T = TypeVar("T")

log = structlog.get_logger()


class RedisConversations:
    """`ConversationStore`."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def load(self, conversation: ConversationId) -> Conversation:
        """See `ConversationStore.load`."""
        epoch, stored, dropped, withdrawn, marked, asked, last, asked_last = await self._server.call(
            "load", str(conversation)
        )
        whole = Conversation(
            id=conversation,
            epoch=epoch,
            turns=tuple(_readable(conversation, "turn", read_turn, stored)),
            withdrawn=frozenset(map(_read_withdrawn, withdrawn)),
            forgotten_at_s=float(marked),
            askers=frozenset(one.decode().partition(" ")[2] for one in asked),
            last_source=unquote(last.decode()),  # see `escape_source`
            last_revision=int(asked_last.partition(b" ")[0]),
        )
        return whole.without(_readable(conversation, "dropped picture", read_picture, dropped))

    async def with_source(self, tenant_key: str, channel: str, source: str) -> frozenset[ConversationId]:
        """See `ConversationStore.with_source`."""
        asked = self.of_place(place_of(tenant_key, channel), escape_source(source))
        return frozenset([conversation async for conversation in asked])

    async def of_place(self, place: str, *source: str) -> AsyncIterator[ConversationId]:
        """Those of a place (see `place_of`), or those among them that have the question of this source."""
        cursor = b"0"
        while True:  # in steps, so that nobody else waits while many are looked through
            cursor, there = await self._server.call("conversations_of", place, cursor, *source)
            for name in there:
                yield ConversationId.read(name.decode())
            if cursor == b"0":
                return

    async def forget(self, conversation: ConversationId) -> Forgotten:
        """See `ConversationStore.forget`."""
        await self._server.call("mark_forgotten", str(conversation))
        return await self.drop(conversation)

    async def drop(self, conversation: ConversationId) -> Forgotten:
        """Everything of it, without a mark."""
        return _forgotten(await self._server.call("forget", str(conversation)))

    async def forget_source(self, conversation: ConversationId, source: str) -> Forgotten:
        """See `ConversationStore.forget_source`."""
        return _forgotten(await self._server.call("forget_source", str(conversation), escape_source(source)))

    async def forget_asker(self, tenant_key: str, asker: str) -> Forgotten:
        """See `ConversationStore.forget_asker`."""
        # One call a question: each is short, so nobody else waits while a year of questions is forgotten.
        asked = await self._server.call("asked", tenant_key, asker)
        for conversation in {conversation for conversation, _ in asked}:
            await self._server.call("mark_forgotten", conversation)
        parts = [await self._server.call("forget_source", conversation, source) for conversation, source in asked]
        return Forgotten.all_of(map(_forgotten, parts))


def _forgotten(counts: Sequence[int]) -> Forgotten:
    conversations, turns, pictures = counts
    return Forgotten(conversations=conversations, turns=turns, pictures=pictures)


def _read_withdrawn(mark: bytes) -> tuple[str, str]:
    source, _, origin = mark.decode().partition(" ")
    return unquote(source), origin


def _readable(
    conversation: ConversationId, what: str, read: Callable[[bytes], T], stored: Sequence[bytes]
) -> Iterator[T]:
    """What cannot be read is left out: the conversation goes on without it."""
    for one in stored:
        try:
            yield read(one)
        except msgspec.MsgspecError as error:
            log.warning("something stored cannot be read", what=what, conversation=str(conversation), reason=str(error))
