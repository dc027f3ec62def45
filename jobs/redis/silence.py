"""Silences over Redis."""

from jobs.conversation import ConversationId
from jobs.redis.server import Server


class RedisSilences:
    """`Silences`."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def begin(self, conversation: ConversationId) -> None:
        """See `Silences.begin`."""
        await self._server.call("silence", str(conversation))

    async def end(self, conversation: ConversationId) -> None:
        """See `Silences.end`."""
        await self._server.call("listen", str(conversation))

    async def holds(self, conversation: ConversationId) -> bool:
        """See `Silences.holds`."""
        return bool(await self._server.call("is_silent", str(conversation)))
