from collections import Counter

import torch

from inference_worker.model.checkpoint import TINY
from inference_worker.model.config import read_config
from inference_worker.model.phi3v import Phi3V
from training.losses import Heads
from training.optimisers import build_optimisers, set_rate

MODEL = Phi3V(read_config(TINY))
HEADS = Heads(MODEL.config.hidden_size)


def rates() -> dict[str, tuple[str, float, int]]:
    """By name: the rule, the rate, and how many matrices are kept in one."""
    names = {weight: name for part in (MODEL, HEADS) for name, weight in part.named_parameters()}
    return {
        names[weight]: (type(optimiser).__name__, group["lr"], group.get("blocks", 1))
        for optimiser in build_optimisers(MODEL, HEADS, matrix_rate=0.006, other_rate=0.001)
        for group in optimiser.param_groups
        for weight in group["params"]
    }


def test_every_weight_learns_by_one_rule() -> None:
    optimisers = build_optimisers(MODEL, HEADS, matrix_rate=0.006, other_rate=0.001)
    counted = Counter(w for o in optimisers for group in o.param_groups for w in group["params"])
    assert set(counted) == {*MODEL.parameters(), *HEADS.parameters()}
    assert set(counted.values()) == {1}


def test_matrices_learn_by_muon_half_as_fast_in_the_tower_and_all_else_by_adamw() -> None:
    rate = rates()
    layer, tower = "model.layers.3.", "model.vision_embed_tokens.img_processor.vision_model."
    assert rate[layer + "self_attn.qkv_proj.weight"] == ("Muon", 0.006, 3)
    assert rate[layer + "mlp.gate_up_proj.weight"] == ("Muon", 0.006, 2)
    assert rate[layer + "mlp.down_proj.weight"] == ("Muon", 0.006, 1)
    assert rate["model.vision_embed_tokens.img_projection.0.weight"] == ("Muon", 0.006, 1)
    assert rate[tower + "encoder.layers.0.self_attn.q_proj.weight"] == ("Muon", 0.003, 1)
    for name in (
        "model.embed_tokens.weight",
        "lm_head.weight",
        "model.norm.weight",
        layer + "input_layernorm.weight",
        "model.vision_embed_tokens.sub_GN",
        tower + "embeddings.position_embedding.weight",
        tower + "embeddings.patch_embedding.weight",
        tower + "encoder.layers.0.mlp.fc1.bias",
        "characters.weight",
    ):
        assert rate[name] == ("AdamW", 0.001, 1), name


def test_all_rates_follow_the_schedule() -> None:
    optimisers = build_optimisers(MODEL, HEADS, matrix_rate=0.006, other_rate=0.001)
    set_rate(optimisers, 0.5)
    set_rate(optimisers, 0.1)
    assert {group["lr"] for optimiser in optimisers for group in optimiser.param_groups} == {
        0.1 * r for r in (0.006, 0.003, 0.001)
    }


def test_no_rate_moves_nothing() -> None:
    optimisers = build_optimisers(MODEL, HEADS, matrix_rate=0.006, other_rate=0.001)
    set_rate(optimisers, 0.0)
    torch.nn.init.ones_(HEADS.forms.weight)
    HEADS.forms.weight.grad = torch.ones_like(HEADS.forms.weight)
    for optimiser in optimisers:
        optimiser.step()
    assert HEADS.forms.weight.eq(1).all()
