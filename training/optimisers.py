"""Which weights learn by which rule, and how fast."""

from collections.abc import Sequence

import torch
from torch import nn

from inference_worker.model.phi3v import Phi3V
from training.losses import Heads
from training.muon import Muon

TOWER = "img_processor"
TOWER_SHARE = 0.5  # of the decoder's rate
BLOCKS = {"qkv_proj": 3, "gate_up_proj": 2}  # matrices that the hub keeps in one
MOMENTS = (0.9, 0.95)


def build_optimisers(
    model: Phi3V, heads: Heads, *, matrix_rate: float, other_rate: float
) -> tuple[torch.optim.Optimizer, ...]:
    """Muon for the matrices of the layers, AdamW for tables, vectors, the patches' filters and the heads.

    Every group's `lr` is its peak, kept beside it as `peak`.
    """
    matrices: dict[tuple[int, float], list[nn.Parameter]] = {}
    others: list[nn.Parameter] = list(heads.parameters())
    for name, weight in model.named_parameters():
        if is_matrix(name, weight):
            blocks = next((count for part, count in BLOCKS.items() if part in name), 1)
            rate = matrix_rate * (TOWER_SHARE if TOWER in name else 1.0)
            matrices.setdefault((blocks, rate), []).append(weight)
        else:
            others.append(weight)
    groups = [{"params": weights, "blocks": blocks, "lr": rate} for (blocks, rate), weights in matrices.items()]
    optimisers = (
        Muon(groups, lr=matrix_rate),
        torch.optim.AdamW(others, lr=other_rate, betas=MOMENTS, weight_decay=0.0, fused=True),
    )
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group["peak"] = group["lr"]
    return optimisers


def set_rate(optimisers: Sequence[torch.optim.Optimizer], share: float) -> None:
    """Every group to this share of its peak."""
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group["lr"] = share * group["peak"]


def is_matrix(name: str, weight: nn.Parameter) -> bool:
    """Of the inner layers: turns vectors into vectors. Tables' rows stand for themselves."""
    return weight.dim() == 2 and "embed" not in name.rpartition("vision_embed_tokens")[2] and name != "lm_head.weight"  # noqa: PLR2004
