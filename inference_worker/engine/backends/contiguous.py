"""Contiguous memory for each sequence, attended to one sequence after the other: the way of the CPU."""

from collections.abc import Iterable, Sequence
from functools import cached_property

import torch
from torch import Tensor

from inference_worker.engine.attention import attend_many, attend_one, attend_whole, seen_by
from inference_worker.engine.backend import Cache, Span
from inference_worker.engine.contiguous_cache import ContiguousCache
from inference_worker.model.phi3v import Phi3V


class Segment:
    """The rows of a flat batch that belong to one sequence: new positions `start` .. of its cache."""

    def __init__(self, *, rows: slice, cache: ContiguousCache) -> None:
        self.rows = rows
        self.cache = cache
        self.start = cache.length
        self.tokens = rows.stop - rows.start
        self.total = self.start + self.tokens
        # Products of bfloat16 on a CPU copy whatever is not contiguous: it is cheaper to multiply with all of the
        # memory, the unused tail too, and to hide that.
        self.takes_whole_cache = cache.keys[0].device.type == "cpu" and cache.keys[0].dtype == torch.bfloat16

    @cached_property
    def later(self) -> Tensor:
        """(tokens, capacity - start): True where a row must not look, from the chunk's first position on."""
        return torch.ones(self.tokens, self.cache.capacity - self.start, dtype=torch.bool).triu(1)

    @cached_property
    def seen(self) -> Tensor | None:
        """See `seen_by`; once for all layers."""
        return seen_by(self.tokens, self.total, self.cache.keys[0].device)


class ContiguousAttention:
    """The model's `Attention`: writes keys and values to the caches and attends, sequence by sequence."""

    def __init__(self, segments: Sequence[Segment]) -> None:
        self._segments = segments

    def __call__(self, layer: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Query (tokens, heads, head_dim), key and value (tokens, kv_heads, head_dim): as the query."""
        mixed = torch.empty_like(query)
        for segment in self._segments:
            rows = segment.rows
            keys, values = segment.cache.write(layer, segment.start, key[rows], value[rows])
            mixed[rows] = _attend(query[rows], keys, values, segment)
        return mixed


class ContiguousBackend:
    """Each sequence owns its memory: see `Backend`."""

    name = "contiguous"

    def __init__(self, model: Phi3V) -> None:
        self._model = model

    def new_cache(self) -> ContiguousCache:
        """An empty cache; it takes memory as it grows."""
        return ContiguousCache(self._model.config, dtype=self._model.dtype, device=self._model.device)

    def indices(self, spans: Sequence[Span]) -> list[list[int]]:  # noqa: ARG002 - slices need no indices
        """Nothing: rows are slices."""
        return []

    def attention(self, spans: Sequence[Span], indices: Sequence[Tensor]) -> ContiguousAttention:  # noqa: ARG002
        """Each span's rows of the batch over its own cache."""
        segments, offset = [], 0
        for cache, tokens in spans:
            assert isinstance(cache, ContiguousCache), "caches come from `new_cache`"
            segments.append(Segment(rows=slice(offset, offset + tokens), cache=cache))
            offset += tokens
        return ContiguousAttention(segments)

    def check_integrity(self, caches: Iterable[Cache]) -> None:
        """Every cache fits its own memory."""
        assert all(cache.length <= cache.capacity for cache in caches)


def _attend(query: Tensor, keys: Tensor, values: Tensor, segment: Segment) -> Tensor:
    """A segment's rows (tokens, heads, head_dim) over its cache's memory (kv_heads, capacity, head_dim)."""
    if segment.takes_whole_cache:
        return attend_whole(query, keys, values, segment.later)
    keys, values = keys[:, : segment.total], values[:, : segment.total]
    return attend_one(query, keys, values) if len(query) == 1 else attend_many(query, keys, values, segment.seen)
