"""The language model: a Llama-like decoder over a flat batch of tokens. Where attention looks is the caller's."""

from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from inference_worker.model.config import ModelConfig
from inference_worker.model.rope import rotate


class Attention(Protocol):
    """Attends for a whole batch: the caller keeps the keys and values of each sequence."""

    def __call__(self, layer: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Keep `key` and `value` (tokens, kv_heads, head_dim), and attend with `query` (tokens, heads, head_dim).

        Query and key are rotated already. Returns (tokens, heads, head_dim).
        """
        ...


class SelfAttention(nn.Module):
    """Projections around an `Attention`. The hub keeps query, key and value in one matrix, in this order."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.head_dim = config.head_dim
        self.heads, self.kv_heads = config.heads, config.kv_heads
        self.qkv_proj = nn.Linear(config.hidden_size, (self.heads + 2 * self.kv_heads) * config.head_dim, bias=False)
        self.o_proj = nn.Linear(config.heads * config.head_dim, config.hidden_size, bias=False)

    def forward(self, hidden: Tensor, cos: Tensor, sin: Tensor, layer: int, attention: Attention) -> Tensor:
        """(tokens, hidden) to (tokens, hidden)."""
        qkv = self.qkv_proj(hidden).unflatten(-1, (-1, self.head_dim))  # (tokens, heads of all three, head_dim)
        turning, value = torch.split(qkv, [self.heads + self.kv_heads, self.kv_heads], dim=1)
        query, key = torch.split(rotate(turning, cos, sin), [self.heads, self.kv_heads], dim=1)
        mixed = attention(layer, query, key, value)
        added: Tensor = self.o_proj(mixed.flatten(1))
        return added


class MLP(nn.Module):
    """Gated by SiLU. The hub keeps gate and up in one matrix, in this order."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.gate_up_proj = nn.Linear(config.hidden_size, 2 * config.intermediate_size, bias=False)
        self.down_proj = nn.Linear(config.intermediate_size, config.hidden_size, bias=False)

    def forward(self, hidden: Tensor) -> Tensor:
        """(tokens, hidden) to (tokens, hidden)."""
        gate, up = self.gate_up_proj(hidden).chunk(2, dim=-1)
        added: Tensor = self.down_proj(up * functional.silu(gate))
        return added


class DecoderLayer(nn.Module):
    """Attention, then MLP, each on a normalised copy and added to what came in."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.input_layernorm = RMSNorm(config.hidden_size, eps=config.rms_norm_eps)
        self.self_attn = SelfAttention(config)
        self.post_attention_layernorm = RMSNorm(config.hidden_size, eps=config.rms_norm_eps)
        self.mlp = MLP(config)

    def forward(self, hidden: Tensor, cos: Tensor, sin: Tensor, layer: int, attention: Attention) -> Tensor:
        """(tokens, hidden) to (tokens, hidden)."""
        hidden = hidden + self.self_attn(self.input_layernorm(hidden), cos, sin, layer, attention)
        after: Tensor = hidden + self.mlp(self.post_attention_layernorm(hidden))
        return after


class Decoder(nn.Module):
    """Embedding table, layers and the last norm, named as on the hub."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        # From an empty table: `nn.Embedding(...)` draws random numbers, which on `meta` imports torch's compiler (2 s).
        table = torch.empty(config.vocab_size, config.hidden_size)
        self.embed_tokens = nn.Embedding.from_pretrained(table, freeze=False)  # type: ignore[no-untyped-call]  # torch types no classmethods
        self.layers = nn.ModuleList(DecoderLayer(config) for _ in range(config.layers))
        self.norm = RMSNorm(config.hidden_size, eps=config.rms_norm_eps)

    def forward(self, hidden: Tensor, cos: Tensor, sin: Tensor, attention: Attention) -> Tensor:
        """Run a flat batch: rows of many sequences together, told apart by `attention` alone.

        Args:
            hidden: (tokens, hidden) embeddings and picture features.
            cos: (tokens, head_dim) of each row's position, as is `sin`.
            sin: see `cos`.
            attention: keeps keys and values, and attends.

        Returns:
            (tokens, hidden) after the last norm.
        """
        cos, sin = cos.to(hidden.dtype), sin.to(hidden.dtype)
        for index, layer in enumerate(self.layers):
            hidden = layer(hidden, cos, sin, index, attention)
        normalised: Tensor = self.norm(hidden)
        return normalised


class RMSNorm(nn.Module):
    """In float32; back in the input's dtype before the weight is applied, which 16 bits can tell from torch's own."""

    def __init__(self, width: int, *, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, hidden: Tensor) -> Tensor:
        """(tokens, width) to the same."""
        normalised = functional.rms_norm(hidden.float(), self.weight.shape, eps=self.eps)
        return self.weight * normalised.to(hidden.dtype)
