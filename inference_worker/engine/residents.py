"""The caches that idle conversations keep, least recently used first."""

from collections import OrderedDict
from collections.abc import Iterator, Sequence

from inference_worker.engine.backend import Cache
from inference_worker.engine.request import ConversationKey


class Residents:
    """Caches of conversations between their turns. A cache that is dropped gives its memory back."""

    def __init__(self) -> None:
        self._by_conversation: OrderedDict[ConversationKey, tuple[list[int], Cache]] = OrderedDict()
        self._size_bytes = 0

    def __len__(self) -> int:
        return len(self._by_conversation)

    @property
    def size_bytes(self) -> int:
        """Memory held by all of them."""
        return self._size_bytes

    def caches(self) -> Iterator[Cache]:
        """All of them."""
        return (cache for _, cache in self._by_conversation.values())

    def keep(self, conversation: ConversationKey, ids: list[int], cache: Cache) -> None:
        """Keep the cache with the ids it was computed from; a conversation has one."""
        assert len(ids) == cache.length, "a cache knows exactly the ids it was computed from"
        self._drop(conversation)
        self._by_conversation[conversation] = (ids, cache)
        self._size_bytes += cache.size_bytes

    def take(self, conversation: ConversationKey, ids: Sequence[int], *, long: bool) -> Cache | None:
        """The conversation's cache, cut to the prefix it shares with `ids`; None if nothing of it can be used."""
        known, cache = self._pop(conversation)
        if cache is None:
            return None
        # At least one position is computed anew: its logits are the answer's first token.
        shared = min(common_prefix(known, ids), len(ids) - 1) if cache.long == long else 0
        if not shared:
            cache.release()
            return None
        cache.truncate(shared)
        return cache

    def longest_match(self, tenant: str, ids: Sequence[int], *, long: bool) -> tuple[Cache | None, int]:
        """The tenant's cache that shares the longest prefix with `ids`, the latest of several, and how long that is."""
        best, longest = None, 0
        for conversation, (known, cache) in reversed(self._by_conversation.items()):
            if conversation.tenant == tenant and cache.long == long:
                shared = min(common_prefix(known, ids), len(ids) - 1)
                if shared > longest:
                    best, longest = cache, shared
        return best, longest

    def forget(self, name: str, epoch: int) -> None:
        """Drop the caches of this conversation under epochs older than `epoch`."""
        for key in self.conversations():
            if key.name == name and key.epoch < epoch:
                self._drop(key)

    def clear(self) -> None:
        """Drop everything."""
        while self.drop_oldest():
            pass

    def drop_oldest(self, *, but: Cache | None = None) -> bool:
        """Forget the least recently used one, `but` this; False when there is none."""
        oldest = next((key for key, (_, cache) in self._by_conversation.items() if cache is not but), None)
        if oldest is None:
            return False
        self._drop(oldest)
        return True

    def conversations(self) -> tuple[ConversationKey, ...]:
        """Whose caches are held, least recently used first."""
        return tuple(self._by_conversation)

    def check_integrity(self) -> None:
        """Every cache knows the ids it was computed from, and fits its memory."""
        for ids, cache in self._by_conversation.values():
            assert len(ids) == cache.length <= cache.capacity
        assert self._size_bytes == sum(cache.size_bytes for cache in self.caches())

    def _drop(self, conversation: ConversationKey) -> None:
        _, cache = self._pop(conversation)
        if cache is not None:
            cache.release()

    def _pop(self, conversation: ConversationKey) -> tuple[list[int], Cache | None]:
        ids, cache = self._by_conversation.pop(conversation, ([], None))
        if cache is not None:
            self._size_bytes -= cache.size_bytes
        return ids, cache


def common_prefix(left: Sequence[int], right: Sequence[int]) -> int:
    """How many ids both begin with."""
    for index, (a, b) in enumerate(zip(left, right, strict=False)):
        if a != b:
            return index
    return min(len(left), len(right))
