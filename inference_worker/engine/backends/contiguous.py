"""Contiguous memory for each sequence, attended to one sequence after the other: the way of the CPU."""

from collections.abc import Iterable, Sequence

from torch import Tensor

from inference_worker.engine.attention import CachedAttention, Segment
from inference_worker.engine.backend import Cache, Span
from inference_worker.engine.kv_cache import KVCache
from inference_worker.model.phi3v import Phi3V


class ContiguousBackend:
    """Each sequence owns its memory: see `Backend`."""

    name = "contiguous"

    def __init__(self, model: Phi3V) -> None:
        self._model = model

    def new_cache(self) -> KVCache:
        """An empty cache; it takes memory as it grows."""
        return KVCache(self._model.config, dtype=self._model.dtype, device=self._model.device)

    def indices(self, spans: Sequence[Span]) -> list[list[int]]:  # noqa: ARG002 - slices need no indices
        """Nothing: rows are slices."""
        return []

    def attention(self, spans: Sequence[Span], indices: Sequence[Tensor]) -> CachedAttention:  # noqa: ARG002
        """Each span's rows of the batch over its own cache."""
        segments, offset = [], 0
        for cache, tokens in spans:
            assert isinstance(cache, KVCache), "caches come from `new_cache`"
            segments.append(Segment(rows=slice(offset, offset + tokens), cache=cache))
            offset += tokens
        return CachedAttention(segments)

    def check_integrity(self, caches: Iterable[Cache]) -> None:
        """Every cache fits its own memory."""
        assert all(cache.length <= cache.capacity for cache in caches)
