"""What flash-attn 2.8 and 3 promise of the calls made here, in plain arithmetic: their signatures, checks and results.

The libraries need a GPU. These stand in for them, so that what is handed over can be checked without one.
"""

from types import ModuleType

import torch
from torch import Tensor

MULTIPLE = 256  # of positions in a block, in flash-attn 2


def flash_attn() -> ModuleType:
    """The package of flash-attn 2.8."""
    module = ModuleType("flash_attn")
    module.flash_attn_with_kvcache = _with_kvcache_2
    module.flash_attn_varlen_func = _varlen_2
    return module


def flash_attn_interface() -> ModuleType:
    """The module of flash-attn 3."""
    module = ModuleType("flash_attn_interface")
    module.flash_attn_with_kvcache = _with_kvcache_3
    return module


def _with_kvcache_2(
    q: Tensor, k_cache: Tensor, v_cache: Tensor, *, cache_seqlens: Tensor, block_table: Tensor, causal: bool
) -> Tensor:
    assert k_cache.shape[1] % MULTIPLE == 0
    _check_integers(cache_seqlens, block_table)
    rows = torch.full_like(cache_seqlens, q.shape[1])
    mixed = _attend(
        q.flatten(0, 1), k_cache, v_cache, rows=rows, lengths=cache_seqlens, table=block_table, causal=causal
    )
    return mixed.view(q.shape)


def _varlen_2(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    *,
    cu_seqlens_q: Tensor,
    cu_seqlens_k: Tensor,
    max_seqlen_q: int,
    max_seqlen_k: int,
    causal: bool,
    block_table: Tensor,
) -> Tensor:
    assert k.shape[1] % MULTIPLE == 0
    _check_integers(cu_seqlens_q, cu_seqlens_k, block_table)
    rows, keys = cu_seqlens_q.diff(), cu_seqlens_k.diff()
    assert (int(rows.max()), int(keys.max())) == (max_seqlen_q, max_seqlen_k)
    return _attend(q, k, v, rows=rows, lengths=keys, table=block_table, causal=causal)


def _with_kvcache_3(
    q: Tensor,
    k_cache: Tensor,
    v_cache: Tensor,
    *,
    cache_seqlens: Tensor,
    page_table: Tensor,
    causal: bool,
    cu_seqlens_q: Tensor | None = None,
    max_seqlen_q: int | None = None,
) -> Tensor:
    _check_integers(cache_seqlens, page_table)
    rows = torch.full_like(cache_seqlens, q.shape[1])
    if cu_seqlens_q is not None:
        _check_integers(cu_seqlens_q)
        rows = cu_seqlens_q.diff()
        assert int(rows.max()) == max_seqlen_q
    flat = q.view(-1, *q.shape[-2:])
    mixed = _attend(flat, k_cache, v_cache, rows=rows, lengths=cache_seqlens, table=page_table, causal=causal)
    return mixed.view(q.shape)


def _check_integers(*tensors: Tensor) -> None:
    assert all(tensor.dtype == torch.int32 and tensor.is_contiguous() for tensor in tensors)


def _attend(
    query: Tensor, keys: Tensor, values: Tensor, *, rows: Tensor, lengths: Tensor, table: Tensor, causal: bool
) -> Tensor:
    """Query (tokens, heads, head_dim) over blocks, row by row; the mask is aligned to the lower right corner."""
    assert causal
    assert keys.stride(-1) == values.stride(-1) == query.stride(-1) == 1
    assert query.shape[0] == int(rows.sum())
    group = query.shape[1] // keys.shape[2]
    mixed, first = torch.empty_like(query), 0
    for count, length, blocks in zip(rows.tolist(), lengths.tolist(), table, strict=True):
        own_keys = keys[blocks].flatten(0, 1)[:length].repeat_interleave(group, dim=1)  # (length, heads, head_dim)
        own_values = values[blocks].flatten(0, 1)[:length].repeat_interleave(group, dim=1)
        for row in range(count):
            seen = length - count + row + 1
            scores = torch.einsum("hd,thd->ht", query[first + row], own_keys[:seen]) * query.shape[2] ** -0.5
            mixed[first + row] = torch.einsum("ht,thd->hd", scores.softmax(dim=1), own_values[:seen])
        first += count
    return mixed
