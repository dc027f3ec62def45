"""Attention over blocks with torch alone: the blocks of a sequence are copied side by side. Runs anywhere, slowly."""

import torch
from torch import Tensor
from torch.nn import functional

from inference_worker.engine.attention import attend_many, attend_one, seen_by
from inference_worker.engine.backends.paged import Pages, RaggedPages

BLOCKS_AT_ONCE = 64  # copied side by side: 200 MB of keys and values for a layer of the real model


class GatherKernel:
    """See `Kernel`."""

    name = "torch"

    def decode(self, query: Tensor, keys: Tensor, values: Tensor, pages: Pages) -> Tensor:
        """(sequences, heads, head_dim); a few sequences at a time, each over as many blocks as the table is wide."""
        at_once = max(1, BLOCKS_AT_ONCE // pages.block_table.shape[1])
        tensors = (query, pages.block_table, pages.lengths)
        parts = zip(*(torch.split(tensor, at_once) for tensor in tensors), strict=True)
        return torch.cat([_attend_rows(part, keys[table], values[table], seen) for part, table, seen in parts])

    def ragged(self, query: Tensor, keys: Tensor, values: Tensor, pages: RaggedPages) -> Tensor:
        """(tokens, heads, head_dim), one sequence after the other."""
        parts = torch.split(query, [rows for rows, _ in pages.spans])
        mixed = []
        for part, padded, (_, total) in zip(parts, pages.block_table, pages.spans, strict=True):
            table = padded[: -(-total // keys.shape[1])]  # its own blocks
            mixed.append(_attend_sequence(part, keys[table], values[table], total))
        return torch.cat(mixed)


def _attend_rows(query: Tensor, keys: Tensor, values: Tensor, lengths: Tensor) -> Tensor:
    """One row for each sequence; keys and values (sequences, blocks, block_size, kv_heads, head_dim)."""
    keys, values = keys.flatten(1, 2).transpose(1, 2), values.flatten(1, 2).transpose(1, 2)
    _, kv_heads, positions, _ = keys.shape  # (sequences, kv_heads, blocks * block_size, head_dim)
    seen = torch.arange(positions, device=query.device) < lengths[:, None]  # (sequences, positions)
    mixed = functional.scaled_dot_product_attention(
        query[:, :, None], keys, values, attn_mask=seen[:, None, None], enable_gqa=kv_heads != query.shape[1]
    )  # (sequences, heads, 1, head_dim)
    return mixed[:, :, 0]


def _attend_sequence(query: Tensor, keys: Tensor, values: Tensor, total: int) -> Tensor:
    """The last rows of one sequence; keys and values (blocks, block_size, kv_heads, head_dim)."""
    keys, values = keys.flatten(0, 1)[:total].transpose(0, 1), values.flatten(0, 1)[:total].transpose(0, 1)
    rows = query.shape[0]
    if rows == 1:
        return attend_one(query, keys, values)
    return attend_many(query, keys, values, seen_by(rows, total, query.device))
