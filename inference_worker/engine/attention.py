"""Attention of a mixed batch over each sequence's own cache."""

from collections.abc import Sequence
from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional

from inference_worker.engine.kv_cache import KVCache

FEW_TOKENS = 128  # up to here plain products beat torch's SDPA on a CPU; beyond, their scores take too much memory


class Segment:
    """The rows of a flat batch that belong to one sequence: new positions `start` .. of its cache."""

    def __init__(self, *, rows: slice, cache: KVCache, device: torch.device) -> None:
        self.rows = rows
        self.cache = cache
        self.start = cache.length
        self.tokens = rows.stop - rows.start
        self.total = self.start + self.tokens
        # Products of bfloat16 on a CPU copy whatever is not contiguous: it is cheaper to multiply with all of the
        # memory, the unused tail too, and to mask that.
        self.takes_whole_cache = device.type == "cpu" and cache.keys[0].dtype == torch.bfloat16
        # Row i of a chunk sees the cache and the chunk up to itself; a first chunk is plainly causal.
        self.mask: Tensor | None = None
        if self.start and self.tokens > 1:
            self.mask = torch.ones(self.tokens, self.total, dtype=torch.bool, device=device).tril(self.start)

    @property
    def is_few(self) -> bool:
        """Whether a chunk goes through plain products."""
        return self.takes_whole_cache and self.start > 0 and self.tokens <= FEW_TOKENS

    @cached_property
    def bias(self) -> Tensor:
        """(tokens, capacity): 0 where a row may look, minus infinity elsewhere."""
        seen = torch.ones(self.tokens, self.cache.capacity, dtype=torch.bool).tril(self.start)
        return torch.zeros(seen.shape, dtype=torch.bfloat16).masked_fill_(~seen, -torch.inf)


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
            if segment.tokens == 1:
                mixed[rows] = attend_one(query[rows], keys, values, segment.total, whole=segment.takes_whole_cache)
            elif segment.is_few:
                mixed[rows] = attend_few(query[rows], keys, values, segment.bias)
            else:
                seen = slice(0, segment.total)
                mixed[rows] = attend_many(query[rows], keys[:, seen], values[:, seen], segment.mask)
        return mixed


def attend_one(query: Tensor, keys: Tensor, values: Tensor, total: int, *, whole: bool) -> Tensor:
    """One position over the first `total` keys: (1, heads, head_dim) over (kv_heads, capacity, head_dim).

    Plain matrix products: torch's bf16 SDPA at a single query is 4 to 8 times slower on a CPU. `whole`: multiply with
    the unused tail too, and mask it.
    """
    if not whole:
        keys, values = keys[:, :total], values[:, :total]
    kv_heads, _, head_dim = keys.shape
    grouped = query.reshape(kv_heads, -1, head_dim) * head_dim**-0.5  # (kv_heads, group, head_dim)
    scores = torch.bmm(grouped, keys.transpose(1, 2))  # (kv_heads, group, capacity)
    scores[:, :, total:] = -torch.inf
    weights = scores.softmax(dim=-1, dtype=torch.float32).to(values.dtype)
    return torch.bmm(weights, values).view(1, -1, head_dim)


def attend_few(query: Tensor, keys: Tensor, values: Tensor, bias: Tensor) -> Tensor:
    """A short chunk over the whole cache, masked by `bias` (tokens, capacity): as the query.

    What a follow-up is: on a CPU these products take half the time of torch's bf16 SDPA.
    """
    tokens, heads, head_dim = query.shape
    kv_heads, capacity, _ = keys.shape
    group = heads // kv_heads
    grouped = query.transpose(0, 1).reshape(kv_heads, group * tokens, head_dim) * head_dim**-0.5
    offsets = bias.repeat(group, 1).expand(kv_heads, group * tokens, capacity)
    scores = torch.baddbmm(offsets, grouped, keys.transpose(1, 2))  # (kv_heads, group * tokens, capacity)
    mixed = torch.bmm(scores.softmax(dim=-1), values)  # softmax in float32 inside, rounded once
    return mixed.view(heads, tokens, head_dim).transpose(0, 1)


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
