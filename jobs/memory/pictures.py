"""Picture bytes in one process."""

from jobs.conversation import ConversationId
from jobs.memory.records import StoredPicture
from jobs.memory.state import State
from jobs.picture import digest_of


class MemoryPictures:
    """`PictureStore`."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def put(self, conversation: ConversationId, stored: bytes) -> str:
        """See `PictureStore.put`."""
        state, digest = self._state, digest_of(stored)
        key = (conversation.tenant_key, digest)
        thread = state.use(conversation)
        thread.digests.add(digest)
        picture = state.use_picture(*key)
        if picture is None:
            picture = state.pictures[key] = StoredPicture(stored=stored, used_at_s=state.now_s)
        picture.users.add(conversation)
        self._evict(keep=key)
        return digest

    async def get(self, tenant_key: str, digest: str) -> bytes | None:
        """See `PictureStore.get`."""
        picture = self._state.use_picture(tenant_key, digest)
        return None if picture is None else picture.stored

    async def has(self, tenant_key: str, digest: str) -> bool:
        """See `PictureStore.has`."""
        return self._state.use_picture(tenant_key, digest) is not None

    def _evict(self, *, keep: tuple[str, str]) -> None:
        """Least recently used first; never the one that has just come."""
        pictures = self._state.pictures
        size_bytes = sum(len(picture.stored) for picture in pictures.values())
        for key in list(pictures):
            if size_bytes <= self._state.settings.picture_budget_bytes:
                return
            if key != keep:
                size_bytes -= len(pictures.pop(key).stored)
