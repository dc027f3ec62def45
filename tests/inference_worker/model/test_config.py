import json
from pathlib import Path
from typing import Any

import pytest

from inference_worker.errors import ModelIncomplete, ModelUnreadable, ModelUnsupported
from inference_worker.model.checkpoint import TINY
from inference_worker.model.config import read_config
from tests.inference_worker.model.folders import write_config

# The sizes of the published models; the factors are made up.
REAL = {
    "hidden_size": 3072,
    "intermediate_size": 8192,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 32,
    "vocab_size": 32064,
    "max_position_embeddings": 131072,
    "original_max_position_embeddings": 4096,
    "rope_scaling": {"type": "su", "short_factor": [1.5] * 48, "long_factor": [30.0] * 48},
    "img_processor": {"image_dim_out": 1024, "name": "clip_vision_model", "num_img_tokens": 144},
    "_attn_implementation": "flash_attention_2",
    "torch_dtype": "bfloat16",
}


def test_the_published_models_leave_the_tower_out_and_get_clip_large(tmp_path: Path) -> None:
    config = read_config(write_config(tmp_path, **REAL))
    tower = config.tower
    assert (tower.hidden_size, tower.num_attention_heads, tower.image_size, tower.patch_size) == (1024, 16, 336, 14)
    assert config.tower_layers == 23, "features are read before the last of 24 layers"
    assert (config.image.crop_size, config.image.tokens_per_side) == (336, 12)
    assert config.head_dim == 96
    assert config.attention_factor == pytest.approx(1.1902380714238083)


def test_the_built_in_model_says_every_size_itself() -> None:
    config = read_config(TINY)
    assert (config.hidden_size, config.layers, config.heads, config.head_dim) == (192, 9, 3, 64)
    assert (config.image.crop_size, config.image.tokens_per_side, config.image.num_crops) == (112, 4, 9)
    assert (config.tower.image_size, config.tower_layers) == (112, 4)
    assert (config.short_factor, config.long_factor, config.attention_factor) == (None, None, 1.0)
    ends = ("</s>", "<|endoftext|>", "<|assistant|>", "<|end|>")
    words = {word["content"]: word["id"] for word in json.loads((TINY / "tokenizer.json").read_text())["added_tokens"]}
    assert config.stop_ids == {words[end] for end in ends}


def test_what_ends_a_turn_is_found_by_name_beside_what_the_files_say(tmp_path: Path) -> None:
    write_config(tmp_path)
    (tmp_path / "generation_config.json").write_text('{"eos_token_id": [7, 8]}')
    names = {"<|end|>": 41, "<|endoftext|>": 42, "<|assistant|>": 43, "<|user|>": 44}
    added = [{"id": token, "content": name, "special": True} for name, token in names.items()]
    (tmp_path / "tokenizer.json").write_text(json.dumps({"added_tokens": added}))
    assert read_config(tmp_path).stop_ids == {2, 7, 8, 41, 42, 43}


def test_preprocessing_is_read_from_its_own_file(tmp_path: Path) -> None:
    write_config(tmp_path)
    (tmp_path / "preprocessor_config.json").write_text(
        json.dumps({"num_crops": 16, "image_mean": [0.1, 0.2, 0.3], "image_std": [1, 2, 3], "auto_map": {}})
    )
    image = read_config(tmp_path).image
    assert (image.num_crops, image.mean, image.std) == (16, (0.1, 0.2, 0.3), (1.0, 2.0, 3.0))


@pytest.mark.parametrize(
    ("changes", "factor"),
    [
        ({"rope_scaling": None}, 1.0),
        ({"max_position_embeddings": 16}, 1.0),
        ({}, 1.4142135623730951),  # sqrt(1 + ln 16 / ln 16)
        ({"rope_scaling": {"type": "longrope", "short_factor": [1] * 4, "long_factor": [2] * 4}}, 1.4142135623730951),
        ({"rope_scaling": {"type": "yarn", "short_factor": [1] * 4, "long_factor": [2] * 4}}, 1.2772588722239782),
    ],
)
def test_the_attention_factor_follows_the_ratio_of_the_contexts(
    tmp_path: Path, changes: dict[str, Any], factor: float
) -> None:
    assert read_config(write_config(tmp_path, **changes)).attention_factor == pytest.approx(factor)


def test_heads_share_keys_only_where_the_config_says_so(tmp_path: Path) -> None:
    assert read_config(write_config(tmp_path)).kv_heads == 2
    assert read_config(write_config(tmp_path, num_key_value_heads=None)).kv_heads == 4


def test_a_folder_without_config_is_incomplete(tmp_path: Path) -> None:
    with pytest.raises(ModelIncomplete, match=r"there is no config\.json"):
        read_config(tmp_path)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"model_type": "phi3_v"}', '{"model_type": "phi3_v", "hidden_size": "x"}']
)
def test_a_damaged_config_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(ModelUnreadable, match=r"config\.json: "):
        read_config(tmp_path)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"model_type": "llava"}, "model_type is llava, not phi3_v"),
        ({"hidden_act": "gelu"}, "hidden_act is gelu"),
        ({"embd_layer": {"hd_transform_order": "glb_sub"}}, "glb_sub"),
        (
            {"rope_scaling": {"type": "su", "short_factor": [1.0], "long_factor": [1.0]}},
            "rope_scaling has 1 and 1 factors, not 4",
        ),
    ],
)
def test_a_variant_that_nothing_here_computes_is_refused(tmp_path: Path, changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ModelUnsupported, match=reason):
        read_config(write_config(tmp_path, **changes))
