"""The vision tower: CLIP's ViT as far as its features are read. The names of the weights are the hub's.

transformers has the same model; it is written out here because importing transformers takes seconds, and because only
the layers that reach the output are kept (23 of 24 in the real models).
"""

from collections.abc import Generator
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from inference_worker.model.config import TowerConfig

ENOUGH_ROWS = 640  # for a CPU to multiply at its best; a crop of the real models has 577

_Result = TypeVar("_Result")


class Tower(nn.Module):
    """Pixels of crops to features of patches."""

    def __init__(self, config: TowerConfig, *, layers: int) -> None:
        super().__init__()
        self.embeddings = PatchEmbedding(config)
        self.pre_layrnorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)  # the hub's own spelling
        self.encoder = TowerEncoder(config, layers=layers)

    def forward(self, pixels: Tensor) -> Tensor:
        """All of `steps` at once."""
        return run_to_end(self.steps(pixels))

    def steps(self, pixels: Tensor) -> Generator[None, None, Tensor]:
        """(crops, 3, S, S) to (crops, patches, width), pausing before each layer.

        The class token is left out, no last norm is applied. Crops know nothing of each other: on a CPU a few go
        through all layers before the next, so that pauses are short.
        """
        features = []
        for part in torch.split(pixels, self._crops_at_once(pixels)):
            hidden: Tensor = self.pre_layrnorm(self.embeddings(part))  # (crops of the part, 1 + patches, width)
            for layer in self.encoder.layers:
                yield
                hidden = layer(hidden)
            features.append(hidden[:, 1:])
        return torch.cat(features)

    def _crops_at_once(self, pixels: Tensor) -> int:
        """All, but on a CPU; and in training, which pauses nowhere and keeps what every part computes."""
        if pixels.device.type != "cpu" or torch.is_grad_enabled():
            return len(pixels)
        positions: int = self.embeddings.position_embedding.num_embeddings
        return max(1, ENOUGH_ROWS // positions)


def run_to_end(steps: Generator[None, None, _Result]) -> _Result:
    """What a computation in steps comes to, without pausing."""
    while True:
        try:
            next(steps)
        except StopIteration as done:
            result: _Result = done.value
            return result


class PatchEmbedding(nn.Module):
    """A class token and one vector for each patch, each with its position added."""

    def __init__(self, config: TowerConfig) -> None:
        super().__init__()
        width, patch = config.hidden_size, config.patch_size
        self.class_embedding = nn.Parameter(torch.empty(width))
        self.patch_embedding = nn.Conv2d(3, width, kernel_size=patch, stride=patch, bias=False)
        positions = torch.empty(1 + config.patches_per_side**2, width)
        self.position_embedding = nn.Embedding.from_pretrained(positions, freeze=False)  # type: ignore[no-untyped-call]  # see `Decoder`

    def forward(self, pixels: Tensor) -> Tensor:
        """(crops, 3, S, S) to (crops, 1 + patches, width)."""
        patches = self.patch_embedding(pixels).flatten(2).transpose(1, 2)  # (crops, patches, width)
        class_token = self.class_embedding.expand(len(pixels), 1, -1)
        embedded: Tensor = torch.cat([class_token, patches], dim=1) + self.position_embedding.weight
        return embedded


class TowerEncoder(nn.Module):
    """The layers, where the hub keeps them."""

    def __init__(self, config: TowerConfig, *, layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(TowerLayer(config) for _ in range(layers))


class TowerLayer(nn.Module):
    """Attention over all patches of a crop, then MLP, each on a normalised copy and added to what came in."""

    def __init__(self, config: TowerConfig) -> None:
        super().__init__()
        self.layer_norm1 = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.self_attn = TowerAttention(config)
        self.layer_norm2 = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.mlp = TowerMLP(config)

    def forward(self, hidden: Tensor) -> Tensor:
        """(crops, 1 + patches, width) to the same."""
        hidden = hidden + self.self_attn(self.layer_norm1(hidden))
        after: Tensor = hidden + self.mlp(self.layer_norm2(hidden))
        return after


class TowerAttention(nn.Module):
    """Every patch attends to every patch of its crop."""

    def __init__(self, config: TowerConfig) -> None:
        super().__init__()
        width = config.hidden_size
        self.heads = config.num_attention_heads
        self.q_proj = nn.Linear(width, width)
        self.k_proj = nn.Linear(width, width)
        self.v_proj = nn.Linear(width, width)
        self.out_proj = nn.Linear(width, width)

    def forward(self, hidden: Tensor) -> Tensor:
        """(crops, 1 + patches, width) to the same."""
        query, key, value = (
            project(hidden).unflatten(-1, (self.heads, -1)).transpose(1, 2)  # (crops, heads, 1 + patches, head_dim)
            for project in (self.q_proj, self.k_proj, self.v_proj)
        )
        mixed = attend(query, key, value)
        added: Tensor = self.out_proj(mixed.transpose(1, 2).flatten(2))
        return added


def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Everywhere to everywhere; all (crops, heads, 1 + patches, head_dim).

    In training on a CPU through plain products: the way back through torch's SDPA takes four times as long there.
    """
    if query.requires_grad and query.device.type == "cpu":
        scores = (query * query.shape[-1] ** -0.5) @ key.transpose(-1, -2)
        mixed: Tensor = scores.softmax(dim=-1) @ value
        return mixed
    return functional.scaled_dot_product_attention(query, key, value)


class TowerMLP(nn.Module):
    """Two layers around the quick GELU, x * sigmoid(1.702 x), which CLIP was trained with."""

    def __init__(self, config: TowerConfig) -> None:
        super().__init__()
        self.fc1 = nn.Linear(config.hidden_size, config.intermediate_size)
        self.fc2 = nn.Linear(config.intermediate_size, config.hidden_size)

    def forward(self, hidden: Tensor) -> Tensor:
        """(crops, 1 + patches, width) to the same."""
        inner = self.fc1(hidden)
        added: Tensor = self.fc2(inner * torch.sigmoid(1.702 * inner))
        return added
