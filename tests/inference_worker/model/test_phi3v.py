from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from torch import Tensor

from inference_worker.image.tiling import Tiling, choose_tiling
from inference_worker.model.checkpoint import TINY, load_model
from inference_worker.model.phi3v import Phi3V, lay_out, merge_2x2
from tests.inference_worker.model.folders import write_model


@pytest.fixture
def model(tmp_path: Path) -> Phi3V:
    return load_model(write_model(tmp_path), dtype=torch.float32)


def tile(width: int, height: int) -> Tiling:
    return choose_tiling(width, height, max_crops=6, crop_size=56, tokens_per_side=2)


def crops_of(*tilings: Tiling) -> Tensor:
    draw = torch.Generator().manual_seed(2)
    return torch.randn(sum(tiling.crops for tiling in tilings), 3, 56, 56, generator=draw)


def test_the_names_of_the_weights_are_the_hubs() -> None:
    with safe_open(TINY / "model.safetensors", "pt") as stored:
        names = set(stored.keys())
    ours = set(load_model(TINY, dtype=torch.float32).state_dict())
    assert ours < names
    tower = "model.vision_embed_tokens.img_processor.vision_model."
    assert all(name.startswith((f"{tower}encoder.layers.4.", f"{tower}post_layernorm.")) for name in names - ours)


def test_four_patches_merge_upper_pair_first() -> None:
    patches = torch.arange(16.0).view(1, 16, 1)  # one crop of 4 x 4 patches, numbered in reading order
    merged = merge_2x2(patches, 2)
    assert merged.shape == (1, 2, 2, 4)
    assert merged[0, 0, 0].tolist() == [0, 1, 4, 5]
    assert merged[0, 0, 1].tolist() == [2, 3, 6, 7]
    assert merged[0, 1, 0].tolist() == [8, 9, 12, 13]


def test_parts_are_laid_out_in_reading_order() -> None:
    tiling = tile(30, 20)  # 2 x 3 crops
    assert (tiling.rows, tiling.columns) == (2, 3)
    numbered = torch.arange(6.0).view(6, 1, 1, 1).expand(6, 2, 2, 1)
    grid = lay_out(numbered, tiling)[..., 0]
    assert grid.tolist() == [[0, 0, 1, 1, 2, 2]] * 2 + [[3, 3, 4, 4, 5, 5]] * 2


@torch.inference_mode()
def test_separators_stand_at_line_ends_and_between_parts_and_whole(model: Phi3V) -> None:
    tiling = tile(30, 20)
    embedding = model.model.vision_embed_tokens
    (features,) = model.encode(crops_of(tiling), [tiling])
    assert features.shape == (tiling.tokens, 32)
    line_end, divider = (embedding.img_projection(weight.flatten()) for weight in (embedding.sub_GN, embedding.glb_GN))
    parts, whole = [6, 13, 20, 27], [31, 34]  # four lines of 6 + 1, the divider, two lines of 2 + 1
    for row in range(tiling.tokens):
        assert torch.allclose(features[row], line_end, atol=1e-5) == (row in {*parts, *whole})
        assert torch.allclose(features[row], divider, atol=1e-5) == (row == 28)


@torch.inference_mode()
def test_pictures_encoded_together_are_as_encoded_alone(model: Phi3V) -> None:
    tilings = [tile(30, 20), tile(10, 50), tile(5, 5)]
    crops = crops_of(*tilings)
    together = model.encode(crops, tilings)
    assert [len(features) for features in together] == [tiling.tokens for tiling in tilings]
    apart = torch.split(crops, [tiling.crops for tiling in tilings])
    for features, own, tiling in zip(together, apart, tilings, strict=True):
        assert torch.allclose(features, model.encode(own, [tiling])[0], atol=1e-5)


@torch.inference_mode()
def test_every_crop_reaches_the_features_at_its_place(model: Phi3V) -> None:
    tiling = tile(30, 20)
    crops = crops_of(tiling)
    (before,) = model.encode(crops, [tiling])
    crops[1 + 4] += 1.0  # the second part of the second row: lines 2 and 3, columns 2 and 3
    (after,) = model.encode(crops, [tiling])
    changed = {row for row in range(tiling.tokens) if not torch.allclose(before[row], after[row], atol=1e-4)}
    assert changed == {14 + 2, 14 + 3, 21 + 2, 21 + 3}
