"""The tower against transformers' CLIP, from whose names only a prefix is missing."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import CLIPVisionConfig, CLIPVisionModel

from inference_worker.model.checkpoint import load_model
from tests.inference_worker.model.folders import TOWER, write_model


@torch.inference_mode()
def test_features_are_the_hidden_states_before_the_last_layer(tmp_path: Path) -> None:
    tower = load_model(write_model(tmp_path), dtype=torch.float32).model.vision_embed_tokens.img_processor[
        "vision_model"
    ]
    clip: Any = CLIPVisionModel(CLIPVisionConfig(**TOWER | {"attn_implementation": "eager"}))
    clip.eval()
    skipped = clip.load_state_dict(tower.state_dict(), strict=False)
    assert skipped.unexpected_keys == []
    assert {name.split(".layers.")[-1].split(".")[0] for name in skipped.missing_keys} == {"2", "post_layernorm"}
    pixels = torch.randn(5, 3, 56, 56, generator=torch.Generator().manual_seed(1))
    expected = clip(pixels, output_hidden_states=True).hidden_states[-2][:, 1:]
    assert torch.allclose(tower(pixels), expected, atol=1e-5)


@torch.inference_mode()
def test_crops_that_go_through_one_after_the_other_are_the_same_as_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tower = load_model(write_model(tmp_path), dtype=torch.float32).model.vision_embed_tokens.img_processor[
        "vision_model"
    ]
    pixels = torch.randn(5, 3, 56, 56, generator=torch.Generator().manual_seed(1))
    together, pauses = tower(pixels), len(list(tower.steps(pixels)))
    monkeypatch.setattr("inference_worker.model.tower.ENOUGH_ROWS", 1)
    assert torch.allclose(tower(pixels), together, atol=1e-5)
    assert len(list(tower.steps(pixels))) == 5 * pauses
