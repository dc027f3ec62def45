"""Phi-3-vision whole: pictures to features, token ids and features to logits.

The modules are named so that `state_dict()` has exactly the hub's names.
"""

from collections.abc import Generator, Sequence

import torch
from torch import Tensor, nn

from inference_worker.image.tiling import Tiling
from inference_worker.model.config import ModelConfig
from inference_worker.model.decoder import Attention, Decoder
from inference_worker.model.rope import RotaryEmbedding
from inference_worker.model.tower import Tower, run_to_end


class Phi3V(nn.Module):
    """The model. It holds no state of any sequence and knows no batch dimension: rows are tokens."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.rope = RotaryEmbedding(config)
        self.model = SeeingDecoder(config)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)

    @property
    def dtype(self) -> torch.dtype:
        """Of the weights, and so of keys and values."""
        return self._table.dtype

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self._table.device

    @property
    def kv_bytes_per_token(self) -> int:
        """Memory of one position's keys and values, with these weights' own numbers."""
        return self.config.kv_bytes_per_token(self.dtype.itemsize)

    @property
    def _table(self) -> Tensor:
        """The one weight that stays as it is, however the others are laid out."""
        table: Tensor = self.model.embed_tokens.weight
        return table

    def embed(self, ids: Tensor) -> Tensor:
        """Token ids (tokens,) to (tokens, hidden). Positions of pictures are not ids: their rows are features."""
        hidden: Tensor = self.model.embed_tokens(ids)
        return hidden

    def encode(self, crops: Tensor, tilings: Sequence[Tiling]) -> list[Tensor]:
        """Pictures to the rows that stand for them.

        Args:
            crops: (crops of all pictures, 3, S, S), picture after picture, on any device.
            tilings: how each picture was cut.

        Returns:
            For each picture (tiling.tokens, hidden).
        """
        return run_to_end(self.encode_steps(crops, tilings))

    def encode_steps(self, crops: Tensor, tilings: Sequence[Tiling]) -> Generator[None, None, list[Tensor]]:
        """`encode`, pausing before each layer of the tower: others may run in between."""
        pictures: PictureEmbedding = self.model.vision_embed_tokens
        return (yield from pictures.steps(crops, tilings))

    def forward(self, hidden: Tensor, cos: Tensor, sin: Tensor, attention: Attention) -> Tensor:
        """A flat batch (tokens, hidden) to (tokens, hidden) after the last norm; see `Decoder.forward`."""
        normalised: Tensor = self.model(hidden, cos, sin, attention)
        return normalised

    def logits(self, hidden: Tensor) -> Tensor:
        """(rows, hidden) to (rows, vocab) in float32."""
        logits: Tensor = self.lm_head(hidden).float()
        return logits


class SeeingDecoder(Decoder):
    """The decoder with the pictures' way into it, where the hub keeps it."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.vision_embed_tokens = PictureEmbedding(config)


class PictureEmbedding(nn.Module):
    """Tower, 2 x 2 merge, separators, projection."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.side = config.image.tokens_per_side
        merged = 4 * config.tower.hidden_size
        tower = Tower(config.tower, layers=config.tower_layers)
        self.img_processor = nn.ModuleDict({"vision_model": tower})
        self.glb_GN = nn.Parameter(torch.empty(1, 1, merged))  # between the parts and the whole
        self.sub_GN = nn.Parameter(torch.empty(1, 1, 1, merged))  # ends each line of a grid
        self.img_projection = nn.Sequential(
            nn.Linear(merged, config.hidden_size),
            nn.GELU(),
            nn.Linear(config.hidden_size, config.hidden_size),
        )

    def steps(self, crops: Tensor, tilings: Sequence[Tiling]) -> Generator[None, None, list[Tensor]]:
        """Crops of all pictures (crops, 3, S, S) to (tiling.tokens, hidden) for each, pausing before each layer."""
        tower: Tower = self.img_processor["vision_model"]  # type: ignore[assignment]  # a dictionary of any modules
        patches = yield from tower.steps(crops.to(self.glb_GN))  # (crops, patches, width)
        merged = merge_2x2(patches, self.side)  # (crops, side, side, 4 * width)
        pictures = torch.split(merged, [tiling.crops for tiling in tilings])
        rows = [self._with_separators(*pair) for pair in zip(pictures, tilings, strict=True)]
        features: Tensor = self.img_projection(torch.cat(rows))  # (tokens of all pictures, hidden)
        return list(torch.split(features, [tiling.tokens for tiling in tilings]))

    def _with_separators(self, crops: Tensor, tiling: Tiling) -> Tensor:
        """One picture's crops (crops, side, side, width) to (tiling.tokens, width): the parts first, then the whole."""
        whole, parts = crops[0], lay_out(crops[1:], tiling)
        return torch.cat([self._end_lines(parts), self.glb_GN[0], self._end_lines(whole)])

    def _end_lines(self, grid: Tensor) -> Tensor:
        """(lines, columns, width) to (lines * (columns + 1), width)."""
        ends = self.sub_GN[0].expand(len(grid), 1, -1)
        return torch.cat([grid, ends], dim=1).flatten(0, 1)


def merge_2x2(patches: Tensor, side: int) -> Tensor:
    """Four neighbouring patches become one position: (crops, (2*side)^2, width) to (crops, side, side, 4*width).

    Their channels follow each other: upper left, upper right, lower left, lower right.
    """
    width = patches.shape[-1]
    grid = patches.view(-1, side, 2, side, 2, width).permute(0, 1, 3, 2, 4, 5)
    return grid.reshape(-1, side, side, 4 * width)


def lay_out(parts: Tensor, tiling: Tiling) -> Tensor:
    """Crops side by side: (rows*columns, side, side, width) to (rows*side, columns*side, width)."""
    _, side, _, width = parts.shape
    grid = parts.view(tiling.rows, tiling.columns, side, side, width).transpose(1, 2)
    return grid.reshape(tiling.rows * side, tiling.columns * side, width)
