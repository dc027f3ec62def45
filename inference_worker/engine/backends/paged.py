"""Blocks of one pool, attended to by one kernel call for the whole batch: the way of a GPU.

Which kernel is another file's matter: `gather.py` (torch alone), `flash2.py`, `flash3.py`.
"""

from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Protocol

import msgspec
from torch import Tensor

from inference_worker.engine.backend import Cache, Span
from inference_worker.engine.paged_cache import BlockPool, PagedCache


class Pages(msgspec.Struct, frozen=True, kw_only=True):
    """Where the sequences of a step are in the pool."""

    places: Tensor  # (tokens,) int32, where the step's own keys and values go
    lengths: Tensor  # (sequences,) int32, keys of each sequence, the step's own included
    block_table: Tensor  # (sequences, blocks) int32, padded with the sequence's own last block


class RaggedPages(Pages, frozen=True, kw_only=True):
    """The same, when a sequence may have many rows in the batch."""

    row_starts: Tensor  # (sequences + 1,) int32, its first row in the batch, and the end
    key_starts: Tensor  # (sequences + 1,) int32, sums of `lengths`
    spans: tuple[tuple[int, int], ...]  # for each sequence its rows and its keys, on the host
    most_rows: int  # of any sequence
    most_keys: int


class Kernel(Protocol):
    """Attention over blocks. Keys and values are those of a layer, (blocks, block_size, kv_heads, head_dim)."""

    name: str

    def decode(self, query: Tensor, keys: Tensor, values: Tensor, pages: Pages) -> Tensor:
        """One row for each sequence, (sequences, heads, head_dim). It can be captured: it asks the device nothing."""
        ...

    def ragged(self, query: Tensor, keys: Tensor, values: Tensor, pages: RaggedPages) -> Tensor:
        """Many rows for some, (tokens, heads, head_dim), each over the keys up to itself."""
        ...


class PagedAttention:
    """The model's `Attention`: one write and one kernel call a layer."""

    def __init__(self, pool: BlockPool, kernel: Kernel, pages: Pages) -> None:
        self._pool = pool
        self._kernel = kernel
        self._pages = pages
        self._places = pages.places.long()  # what indexing takes, once for all layers

    def __call__(self, layer: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Query (tokens, heads, head_dim), key and value (tokens, kv_heads, head_dim): as the query."""
        keys, values = self._pool.write(layer, self._places, key, value)
        if isinstance(self._pages, RaggedPages):
            return self._kernel.ragged(query, keys, values, self._pages)
        return self._kernel.decode(query, keys, values, self._pages)


class PagedBackend:
    """All sequences in one pool: see `Backend`."""

    def __init__(self, pool: BlockPool, kernel: Kernel) -> None:
        self.pool = pool
        self.kernel = kernel
        self.name = f"{kernel.name} over {pool.blocks:,} blocks of {pool.block_size} tokens"

    def new_cache(self) -> PagedCache:
        """An empty cache; it takes blocks as it grows."""
        return PagedCache(self.pool)

    def indices(self, spans: Sequence[Span]) -> list[list[int]]:
        """Places, lengths and block table; where rows and keys start, too, unless everybody has one row."""
        blocks = max(len(_paged(span).blocks) for span in spans)
        lists = self.padded_indices(spans, sequences=len(spans), blocks=blocks)
        if all(span.tokens == 1 for span in spans):
            return lists
        row_starts = list(accumulate((span.tokens for span in spans), initial=0))
        key_starts = list(accumulate((span.total for span in spans), initial=0))
        return [*lists, row_starts, key_starts]

    def attention(self, spans: Sequence[Span], indices: Sequence[Tensor]) -> PagedAttention:
        """One write and one kernel call for all spans."""
        places, lengths, table, *starts = indices
        where = {"places": places, "lengths": lengths, "block_table": table.view(len(spans), -1)}
        if not starts:
            return PagedAttention(self.pool, self.kernel, Pages(**where))
        pages = RaggedPages(
            **where,
            row_starts=starts[0],
            key_starts=starts[1],
            spans=tuple((span.tokens, span.total) for span in spans),
            most_rows=max(span.tokens for span in spans),
            most_keys=max(span.total for span in spans),
        )
        return PagedAttention(self.pool, self.kernel, pages)

    def padded_indices(self, spans: Sequence[Span], *, sequences: int, blocks: int) -> list[list[int]]:
        """Places, lengths and block table, as if there were so many sequences of so many blocks.

        The ones that are not there have one row each, and write to the spare place. A table's padding may be read, with
        a weight of 0: in blocks of somebody else it could meet a NaN.
        """
        missing = sequences - len(spans)
        places = [place for span in spans for place in _paged(span).places(span.cache.length, span.total)]
        table: list[int] = []
        for span in spans:
            held = _paged(span).blocks
            table += held + held[-1:] * (blocks - len(held))
        return [
            places + [self.pool.spare_place] * missing,
            [span.total for span in spans] + [1] * missing,
            table + [0] * (blocks * missing),
        ]

    def check_integrity(self, caches: Iterable[Cache]) -> None:
        """Every block has one owner, and every cache fits its blocks."""
        held: list[int] = []
        for cache in caches:
            assert isinstance(cache, PagedCache), "caches come from `new_cache`"
            assert cache.length <= cache.capacity
            held += cache.blocks
        self.pool.check_integrity(held)


def _paged(span: Span) -> PagedCache:
    assert isinstance(span.cache, PagedCache), "caches come from `new_cache`"
    return span.cache
