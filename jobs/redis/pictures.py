"""Picture bytes over Redis."""

from jobs.conversation import ConversationId
from jobs.picture import digest_of
from jobs.redis.server import Server


class RedisPictures:
    """`PictureStore`."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def put(self, conversation: ConversationId, stored: bytes) -> str:
        """See `PictureStore.put`."""
        digest = digest_of(stored)
        await self._server.call("put", str(conversation), digest, stored)
        return digest

    async def get(self, tenant_key: str, digest: str) -> bytes | None:
        """See `PictureStore.get`."""
        stored: bytes | None = await self._server.call("get", tenant_key, digest)
        return stored

    async def has(self, tenant_key: str, digest: str) -> bool:
        """See `PictureStore.has`."""
        return bool(await self._server.call("has", tenant_key, digest))
