"""Keys and values in blocks of one pool: what a GPU's kernels read, and nothing moves when a sequence grows.

All memory is taken once, at the start. A cache is a list of block numbers.
"""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from inference_worker.engine.backend import Cache
from inference_worker.model.config import ModelConfig

BLOCK_SIZE = 256  # positions; flash-attn 2 takes multiples of 256 only (flash_attn_with_kvcache's docstring, 2.8)


class BlockPool:
    """The blocks of every sequence, and which of them are free."""

    def __init__(
        self,
        config: ModelConfig,
        *,
        budget_bytes: int,
        dtype: torch.dtype,
        device: torch.device,
        block_size: int = BLOCK_SIZE,
    ) -> None:
        self.block_size = block_size
        self.block_bytes = block_size * config.kv_bytes_per_token(dtype.itemsize)
        self.blocks = budget_bytes // self.block_bytes
        # A place is for one position. The one behind the last block is nobody's: padding rows write there.
        self.spare_place = self.blocks * block_size
        places = (self.spare_place + 1, config.kv_heads, config.head_dim)
        self._keys = [torch.zeros(places, dtype=dtype, device=device) for _ in range(config.layers)]
        self._values = [torch.zeros(places, dtype=dtype, device=device) for _ in range(config.layers)]
        self._free = list(range(self.blocks))

    @property
    def free_blocks(self) -> int:
        """Blocks that nobody holds."""
        return len(self._free)

    def blocks_for(self, length: int) -> int:
        """Blocks that `length` positions take."""
        return -(-length // self.block_size)

    def take(self, count: int) -> list[int]:
        """Free blocks, all zeros: what is not written yet gets a weight of 0, and 0 times a stray NaN would be NaN."""
        assert count <= len(self._free), "the scheduler makes room before it lets a cache grow"
        taken = [self._free.pop() for _ in range(count)]
        where = self._index(taken)
        for places in [*self._keys, *self._values]:
            self._in_blocks(places)[where] = 0
        return taken

    def give_back(self, blocks: Iterable[int]) -> None:
        """Free these blocks."""
        self._free.extend(blocks)

    def write(self, layer: int, places: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Put `key` and `value` (tokens, kv_heads, head_dim) into their `places` (tokens,), of all sequences at once.

        Returns all keys and all values of the layer, each (blocks, block_size, kv_heads, head_dim).
        """
        keys, values = self._keys[layer], self._values[layer]
        keys[places] = key
        values[places] = value
        return self._in_blocks(keys), self._in_blocks(values)

    def copy(self, sources: Sequence[int], targets: Sequence[int]) -> None:
        """Copy whole blocks, in every layer."""
        source, target = self._index(sources), self._index(targets)
        for places in [*self._keys, *self._values]:
            blocks = self._in_blocks(places)
            blocks[target] = blocks[source]

    def check_integrity(self, held: Iterable[int]) -> None:
        """Every block is held by one cache or free; `held` are those of all caches."""
        everywhere = sorted([*held, *self._free])
        assert everywhere == list(range(self.blocks)), "every block has exactly one owner"

    def _index(self, blocks: Sequence[int]) -> Tensor:
        """On the device once, not at every layer."""
        return torch.tensor(blocks, device=self._keys[0].device)

    def _in_blocks(self, places: Tensor) -> Tensor:
        return places[: self.spare_place].view(self.blocks, self.block_size, *places.shape[1:])


class PagedCache:
    """One sequence's keys and values: see `Cache`."""

    def __init__(self, pool: BlockPool) -> None:
        self._pool = pool
        self.blocks: list[int] = []  # in the order of the positions
        self.length = 0
        self.long = False

    @property
    def capacity(self) -> int:
        """Positions that fit without another block."""
        return len(self.blocks) * self._pool.block_size

    @property
    def size_bytes(self) -> int:
        """Memory held, used or not."""
        return len(self.blocks) * self._pool.block_bytes

    def growth_bytes(self, length: int) -> int:
        """Memory that `reserve(length)` would take beyond what is held."""
        return max(0, self._pool.blocks_for(length) - len(self.blocks)) * self._pool.block_bytes

    def reserve(self, length: int) -> None:
        """Hold blocks for `length` positions."""
        missing = self._pool.blocks_for(length) - len(self.blocks)
        if missing > 0:
            self.blocks += self._pool.take(missing)

    def copy_from(self, other: Cache, length: int) -> None:
        """Go on to `length` with copies of another cache's positions, whose earlier ones are those held here."""
        assert isinstance(other, PagedCache), "caches of one backend"
        self.reserve(length)
        fresh = slice(self.length // self._pool.block_size, self._pool.blocks_for(length))
        self._pool.copy(other.blocks[fresh], self.blocks[fresh])
        self.length, self.long = length, other.long

    def truncate(self, length: int) -> None:
        """Forget the positions from `length` on, and give back the blocks that this leaves empty."""
        self.length = min(self.length, length)
        kept = self._pool.blocks_for(self.length)
        self._pool.give_back(self.blocks[kept:])
        del self.blocks[kept:]

    def release(self) -> None:
        """Forget everything and give every block back."""
        self.truncate(0)

    def places(self, start: int, stop: int) -> list[int]:
        """Where positions `start` to `stop` are in the pool."""
        size = self._pool.block_size
        return [self.blocks[position // size] * size + position % size for position in range(start, stop)]
