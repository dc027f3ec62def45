"""Attention of a mixed batch over each sequence's own cache."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from inference_worker.engine.kv_cache import KVCache


class Segment:
    """The rows of a flat batch that belong to one sequence: new positions `start` .. of its cache."""

    def __init__(self, *, rows: slice, cache: KVCache, device: torch.device) -> None:
        self.rows = rows
        self.cache = cache
        self.start = cache.length
        self.tokens = rows.stop - rows.start
        # Row i of a chunk sees the cache and the chunk up to itself; a first chunk is plainly causal.
        self.mask: Tensor | None = None
        if self.start and self.tokens > 1:
            total = self.start + self.tokens
            self.mask = torch.ones(self.tokens, total, dtype=torch.bool, device=device).tril(self.start)


class CachedAttention:
    """The model's `Attention`: writes keys and values to the caches and attends, sequence by sequence."""

    def __init__(self, segments: Sequence[Segment]) -> None:
        self._segments = segments

    def __call__(self, layer: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Query (tokens, heads, head_dim), key and value (tokens, kv_heads, head_dim): as the query."""
        mixed = torch.empty_like(query)
        for segment in self._segments:
            rows = segment.rows
            keys, values = segment.cache.write(layer, segment.start, key[rows], value[rows])
            total = segment.start + segment.tokens
            if segment.tokens == 1:
                mixed[rows] = attend_one(query[rows], keys, values, total)
            else:
                mixed[rows] = attend_many(query[rows], keys[:, :total], values[:, :total], segment.mask)
        return mixed


def attend_one(query: Tensor, keys: Tensor, values: Tensor, total: int) -> Tensor:
    """One position over the first `total` keys: (1, heads, head_dim) over (kv_heads, capacity, head_dim).

    Plain matrix products: torch's bf16 SDPA at a single query is 4 to 8 times slower on a CPU. There, products of
    bfloat16 also copy whatever is not contiguous, which costs more than to multiply the unused tail and mask it.
    """
    if keys.device.type != "cpu" or keys.dtype != torch.bfloat16:
        keys, values = keys[:, :total], values[:, :total]
    kv_heads, _, head_dim = keys.shape
    grouped = query.reshape(kv_heads, -1, head_dim) * head_dim**-0.5  # (kv_heads, group, head_dim)
    scores = torch.bmm(grouped, keys.transpose(1, 2))  # (kv_heads, group, capacity)
    scores[:, :, total:] = -torch.inf
    weights = scores.softmax(dim=-1, dtype=torch.float32).to(values.dtype)
    return torch.bmm(weights, values).view(1, -1, head_dim)


def attend_many(query: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None) -> Tensor:
    """A chunk of positions, each over the keys up to itself: (tokens, heads, head_dim)."""
    mixed = functional.scaled_dot_product_attention(
        query.transpose(0, 1)[None],
        keys[None],
        values[None],
        attn_mask=mask,
        is_causal=mask is None,
        enable_gqa=keys.shape[0] != query.shape[1],
    )  # (1, heads, tokens, head_dim)
    return mixed[0].transpose(0, 1)
