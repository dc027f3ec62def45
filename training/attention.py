"""Attention for training: every sequence of the batch from its first token on, nothing cached."""

from collections.abc import Sequence

import torch
from torch import Tensor


class PaddedAttention:
    """The decoder's `Attention` over a batch whose sequences are padded at the right to one length.

    Rows are sequence after sequence. What stands at the right is never seen from the left, so padding needs no mask
    of its own. Plain products: at these lengths they take two thirds of the time of torch's SDPA, forward and back.

    `recorded` is what the layers `record` attended with: query and key (sequences, heads, length, head_dim).
    """

    def __init__(self, *, length: int, record: Sequence[int] = (), device: torch.device | None = None) -> None:
        self._length = length
        self._record = record
        self._ahead = torch.full((length, length), -torch.inf, device=device).triu(1)  # 0 where a row may look
        self.recorded: dict[int, tuple[Tensor, Tensor]] = {}

    @torch.compiler.disable  # type: ignore[untyped-decorator]  # its shapes change from step to step
    def __call__(self, layer: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Query (tokens, heads, head_dim), key and value (tokens, kv_heads, head_dim): as the query."""
        query, key, value = (self._by_sequence(states) for states in (query, key, value))
        group = query.shape[1] // key.shape[1]
        if group > 1:
            key, value = (states.repeat_interleave(group, dim=1) for states in (key, value))
        if layer in self._record:
            self.recorded[layer] = query, key
        sequences, heads = query.shape[:2]
        query, key, value = (states.flatten(0, 1) for states in (query, key, value))  # (sequences * heads, length, ...)
        scale = query.shape[-1] ** -0.5
        scores = torch.baddbmm(self._ahead.to(query.dtype), query, key.mT, alpha=scale)  # (..., length, length)
        mixed = scores.softmax(dim=-1) @ value  # (sequences * heads, length, head_dim)
        flat: Tensor = mixed.view(sequences, heads, self._length, -1).transpose(1, 2).flatten(0, 1)
        return flat

    def _by_sequence(self, states: Tensor) -> Tensor:
        """(tokens, heads, head_dim) to (sequences, heads, length, head_dim)."""
        rows, heads, head_dim = states.shape
        return states.view(rows // self._length, self._length, heads, head_dim).transpose(1, 2)
