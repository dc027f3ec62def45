"""One sequence's keys and values in contiguous memory, which is what a CPU reads fastest."""

import torch
from torch import Tensor

from inference_worker.engine.backend import Cache
from inference_worker.model.config import ModelConfig

GRANULE = 128  # positions that a cache grows by, at the least: 50 MB with the real model
GROWTH = 16  # and at the least by this part of itself, so that growing costs each token little


class ContiguousCache:
    """Keys and values of every layer: see `Cache`. Its memory is its own and grows with it."""

    def __init__(self, config: ModelConfig, *, dtype: torch.dtype, device: torch.device) -> None:
        self._empty = torch.empty((config.kv_heads, 0, config.head_dim), dtype=dtype, device=device)
        self.keys = [self._empty] * config.layers  # each (kv_heads, capacity, head_dim)
        self.values = [self._empty] * config.layers
        self._token_bytes = config.kv_bytes_per_token(dtype.itemsize)
        self.length = 0
        self.long = False

    @property
    def capacity(self) -> int:
        """Positions that fit without growing."""
        return self.keys[0].shape[1]

    @property
    def size_bytes(self) -> int:
        """Memory held, used or not."""
        return self.capacity * self._token_bytes

    def growth_bytes(self, length: int) -> int:
        """Memory that `reserve(length)` would take beyond what is held."""
        return (grown(self.capacity, length) - self.capacity) * self._token_bytes if length > self.capacity else 0

    def reserve(self, length: int) -> None:
        """Make room for `length` positions, keeping what is there; layer by layer, so that little is held twice."""
        if length <= self.capacity:
            return
        self._resize(grown(self.capacity, length))

    def write(self, layer: int, start: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Put `key` and `value` (tokens, kv_heads, head_dim) at `start`; all of it (kv_heads, capacity, head_dim).

        What lies beyond the written positions is finite, and not to be looked at.
        """
        stop = start + key.shape[0]
        self.keys[layer][:, start:stop] = key.transpose(0, 1)
        self.values[layer][:, start:stop] = value.transpose(0, 1)
        return self.keys[layer], self.values[layer]

    def copy_from(self, other: Cache, length: int) -> None:
        """Go on to `length` with copies of another cache's positions, whose earlier ones are those held here."""
        assert isinstance(other, ContiguousCache), "caches of one backend"
        self.reserve(length)
        fresh = slice(self.length, length)
        for ours, theirs in zip([*self.keys, *self.values], [*other.keys, *other.values], strict=True):
            ours[:, fresh] = theirs[:, fresh]
        self.length, self.long = length, other.long

    def truncate(self, length: int) -> None:
        """Forget the positions from `length` on; memory goes back where half of it or less is needed for the rest."""
        self.length = min(self.length, length)
        fitting = grown(0, self.length)
        if fitting <= self.capacity // 2:
            self._resize(fitting)

    def release(self) -> None:
        """Forget everything and let go of the memory."""
        self.length = 0
        self.keys = [self._empty] * len(self.keys)
        self.values = [self._empty] * len(self.values)

    def _resize(self, capacity: int) -> None:
        for layer in range(len(self.keys)):
            self.keys[layer] = self._resized(self.keys[layer], capacity)
            self.values[layer] = self._resized(self.values[layer], capacity)

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
