"""Rotary position embedding with two sets of factors ("su", "longrope"): short up to the trained context, long beyond.

Which set applies is a matter of the whole sequence, not of a position: every position of a sequence carries the set
that its length asks for. Keys are rotated before they are cached, so a sequence that crosses is computed anew.
"""

import torch
from torch import Tensor, nn

from inference_worker.model.config import ModelConfig


class RotaryEmbedding(nn.Module):
    """Angles of positions. The buffers stay float32: angles of far positions do not survive 16 bits."""

    short_inv_freq: Tensor  # (head_dim / 2,) radians a position
    long_inv_freq: Tensor

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.attention_factor = config.attention_factor
        self.longest_short = config.original_max_position_embeddings if config.long_factor else None
        self.register_buffer("short_inv_freq", _inv_freq(config, config.short_factor), persistent=False)
        self.register_buffer("long_inv_freq", _inv_freq(config, config.long_factor), persistent=False)

    def uses_long(self, total_tokens: int) -> bool:
        """Whether a sequence of this many positions takes the long factors: from 4097 on in the real models."""
        return self.longest_short is not None and total_tokens > self.longest_short

    def cos_sin(self, positions: Tensor, *, long: bool | Tensor) -> tuple[Tensor, Tensor]:
        """Cosine and sine, each (tokens, head_dim) in float32, times the attention factor.

        Args:
            positions: (tokens,) integers, of one sequence or of many.
            long: whether the long factors apply, for all of them or (tokens,) for each its own.
        """
        assert self.short_inv_freq.dtype is torch.float32, "cast the weights, never the angles"
        if isinstance(long, Tensor):
            inv_freq = torch.where(long[:, None], self.long_inv_freq, self.short_inv_freq)  # (tokens, head_dim / 2)
        else:
            inv_freq = self.long_inv_freq if long else self.short_inv_freq
        angles = positions[:, None].to(torch.float32) * inv_freq
        angles = torch.cat([angles, angles], dim=-1)  # (tokens, head_dim)
        return angles.cos() * self.attention_factor, angles.sin() * self.attention_factor


def rotate(states: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate `states` (tokens, heads, head_dim), pairing element i with i + head_dim/2; cos, sin (tokens, head_dim)."""
    first, second = states.chunk(2, dim=-1)
    return states * cos[:, None] + torch.cat([-second, first], dim=-1) * sin[:, None]


def _inv_freq(config: ModelConfig, factors: tuple[float, ...] | None) -> Tensor:
    """1 / (factor_i * theta^(2i / head_dim)) in float32, as the reference computes it."""
    # On the CPU whatever the default device is: a model built on `meta` still needs its angles.
    exponents = torch.arange(0, config.head_dim, 2, device="cpu").to(torch.float32) / config.head_dim
    scale = torch.ones((), device="cpu") if factors is None else torch.tensor(factors, device="cpu")
    return 1.0 / (scale * config.rope_theta**exponents)
