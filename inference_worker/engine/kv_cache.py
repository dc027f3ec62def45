"""One sequence's keys and values, contiguous, and the caches that idle conversations keep.

Contiguous memory per sequence is what a CPU reads fastest.
"""

from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import Tensor

from inference_worker.engine.request import ConversationKey
from inference_worker.model.config import ModelConfig

GRANULE = 128  # positions that a cache grows by, at the least: 50 MB with the real model
GROWTH = 16  # and at the least by this part of itself, so that growing costs each token little


class KVCache:
    """Keys and values of every layer for positions 0 .. length-1.

    `long` says which rope factors the keys carry: all of them the same, or the cache is not usable.
    """

    def __init__(self, config: ModelConfig, *, dtype: torch.dtype, device: torch.device) -> None:
        empty = torch.empty((config.kv_heads, 0, config.head_dim), dtype=dtype, device=device)
        self.keys = [empty] * config.layers  # each (kv_heads, capacity, head_dim)
        self.values = [empty] * config.layers
        self.length = 0
        self.long = False

    @property
    def capacity(self) -> int:
        """Positions that fit without growing."""
        return self.keys[0].shape[1]

    @property
    def size_bytes(self) -> int:
        """Memory held, used or not."""
        return 2 * len(self.keys) * self.keys[0].nbytes

    def reserve(self, length: int) -> None:
        """Make room for `length` positions, keeping what is there; layer by layer, so that little is held twice."""
        if length <= self.capacity:
            return
        capacity = grown(self.capacity, length)
        for layer in range(len(self.keys)):
            self.keys[layer] = self._resized(self.keys[layer], capacity)
            self.values[layer] = self._resized(self.values[layer], capacity)

    def write(self, layer: int, start: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Put `key` and `value` (tokens, kv_heads, head_dim) at `start`; all of it (kv_heads, capacity, head_dim).

        What lies beyond the written positions is finite, and not to be looked at.
        """
        stop = start + key.shape[0]
        self.keys[layer][:, start:stop] = key.transpose(0, 1)
        self.values[layer][:, start:stop] = value.transpose(0, 1)
        return self.keys[layer], self.values[layer]

    def truncate(self, length: int) -> None:
        """Forget the positions from `length` on (memory stays for what comes next)."""
        self.length = min(self.length, length)

    def _resized(self, old: Tensor, capacity: int) -> Tensor:
        kv_heads, _, head_dim = old.shape
        new = old.new_zeros((kv_heads, capacity, head_dim))
        new[:, : self.length] = old[:, : self.length]
        return new


def grown(capacity: int, length: int) -> int:
    """The capacity after making room for `length`.

    >>> grown(0, 100), grown(128, 129), grown(8192, 8193)
    (128, 256, 8704)
    """
    wanted = max(length, capacity + capacity // GROWTH)
    return -(-wanted // GRANULE) * GRANULE


class Residents:
    """Caches of conversations between their turns, least recently used first."""

    def __init__(self) -> None:
        self._by_conversation: OrderedDict[ConversationKey, tuple[list[int], KVCache]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._by_conversation)

    @property
    def size_bytes(self) -> int:
        """Memory held by all of them."""
        return sum(cache.size_bytes for _, cache in self._by_conversation.values())

    def keep(self, conversation: ConversationKey, ids: list[int], cache: KVCache) -> None:
        """Keep the cache with the ids it was computed from; a conversation has one."""
        assert len(ids) == cache.length, "a cache knows exactly the ids it was computed from"
        self._by_conversation[conversation] = (ids, cache)
        self._by_conversation.move_to_end(conversation)

    def take(self, conversation: ConversationKey, ids: Sequence[int], *, long: bool) -> KVCache | None:
        """The conversation's cache, cut to the prefix it shares with `ids`; None if nothing of it can be used."""
        known, cache = self._by_conversation.pop(conversation, (None, None))
        if known is None or cache is None or cache.long != long:
            return None
        # At least one position is computed anew: its logits are the answer's first token.
        cache.truncate(min(common_prefix(known, ids), len(ids) - 1))
        return cache if cache.length else None

    def forget(self, name: str, epoch: int) -> None:
        """Drop the caches of this conversation under epochs older than `epoch`."""
        for key in [key for key in self._by_conversation if key.name == name and key.epoch < epoch]:
            del self._by_conversation[key]

    def clear(self) -> None:
        """Drop everything."""
        self._by_conversation.clear()

    def drop_oldest(self) -> bool:
        """Forget the least recently used; False when there is none."""
        if not self._by_conversation:
            return False
        self._by_conversation.popitem(last=False)
        return True

    def conversations(self) -> tuple[ConversationKey, ...]:
        """Whose caches are held, least recently used first."""
        return tuple(self._by_conversation)

    def check_integrity(self) -> None:
        """Every cache knows the ids it was computed from, and fits its memory."""
        for ids, cache in self._by_conversation.values():
            assert len(ids) == cache.length <= cache.capacity


def common_prefix(left: Sequence[int], right: Sequence[int]) -> int:
    """How many ids both begin with."""
    for index, (a, b) in enumerate(zip(left, right, strict=False)):
        if a != b:
            return index
    return min(len(left), len(right))
