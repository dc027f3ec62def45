"""Attention of one sequence's rows over its keys and values, in torch's own operations."""

import torch
from torch import Tensor
from torch.nn import functional

UNSEEN_SHARE = 0.2  # of a cache's memory: if a chunk sees no more than the rest, copying that is cheaper
ROWS_AT_ONCE = 128  # of a chunk through plain products: the scores of more do not stay in a processor's caches


def seen_by(tokens: int, total: int, device: torch.device) -> Tensor | None:
    """(tokens, total): True where a sequence's last rows may look; None for a first chunk, which is plainly causal."""
    if tokens == total:
        return None
    return torch.ones(tokens, total, dtype=torch.bool, device=device).tril(total - tokens)


def attend_whole(query: Tensor, keys: Tensor, values: Tensor, later: Tensor) -> Tensor:
    """A chunk over all of a cache's memory, whatever of it is in use.

    Plain products, some rows at a time. On a CPU torch's bf16 SDPA takes twice as long for a chunk, and 4 to 8 times
    as long for a single position.

    Args:
        query: (tokens, heads, head_dim).
        keys: (kv_heads, capacity, head_dim), as are `values`.
        values: see `keys`.
        later: (tokens, positions from the chunk's first on): True where a row must not look.

    Returns:
        As the query.
    """
    if len(query) <= ROWS_AT_ONCE:
        return _attend_rows(query, keys, values, later)
    mixed = torch.empty_like(query)
    for first in range(0, len(query), ROWS_AT_ONCE):
        rows = slice(first, first + ROWS_AT_ONCE)
        mixed[rows] = _attend_rows(query[rows], keys, values, later[rows, first:])
    return mixed


def _attend_rows(query: Tensor, keys: Tensor, values: Tensor, later: Tensor) -> Tensor:
    tokens, heads, head_dim = query.shape
    unseen = later.shape[1] - tokens  # positions that no row sees
    if tokens > 1 and unseen > UNSEEN_SHARE * keys.shape[1]:
        keys, values, later = keys[:, :-unseen], values[:, :-unseen], later[:, :tokens]
    kv_heads, capacity, _ = keys.shape
    grouped = query.transpose(0, 1).reshape(kv_heads, -1, head_dim) * head_dim**-0.5  # (kv_heads, group * tokens, ...)
    scores = torch.bmm(grouped, keys.transpose(1, 2))  # (kv_heads, group * tokens, capacity)
    scores.view(heads, tokens, capacity)[:, :, -later.shape[1] :].masked_fill_(later, -torch.inf)
    mixed = torch.bmm(scores.softmax(dim=-1), values)  # softmax in float32 inside, rounded once
    return mixed.view(heads, tokens, head_dim).transpose(0, 1)


def attend_one(query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """One position over all keys: (1, heads, head_dim) over (kv_heads, total, head_dim). Plain products, too."""
    kv_heads, _, head_dim = keys.shape
    grouped = query.reshape(kv_heads, -1, head_dim) * head_dim**-0.5  # (kv_heads, group, head_dim)
    scores = torch.bmm(grouped, keys.transpose(1, 2))  # (kv_heads, group, total)
    weights = scores.softmax(dim=-1, dtype=torch.float32).to(values.dtype)
    return torch.bmm(weights, values).view(1, -1, head_dim)


def attend_many(query: Tensor, keys: Tensor, values: Tensor, seen: Tensor | None) -> Tensor:
    """A chunk over keys (kv_heads, total, head_dim), each row over those `seen`: (tokens, heads, head_dim)."""
    mixed = functional.scaled_dot_product_attention(
        query.transpose(0, 1)[None],
        keys[None],
        values[None],
        attn_mask=seen,
        is_causal=seen is None,
        enable_gqa=keys.shape[0] != query.shape[1],
    )  # (1, heads, tokens, head_dim)
    return mixed[0].transpose(0, 1)
