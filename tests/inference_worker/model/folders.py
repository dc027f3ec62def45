"""Small random models on disk, laid out as on the hub."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from inference_worker.model.config import read_config
from inference_worker.model.phi3v import Phi3V

TOWER: dict[str, Any] = {
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "image_size": 56,
    "patch_size": 14,
}

SMALL: dict[str, Any] = {
    "model_type": "phi3_v",
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 50,
    "max_position_embeddings": 256,
    "original_max_position_embeddings": 16,
    "rope_scaling": {"type": "su", "short_factor": [1.0, 1.1, 1.3, 2.0], "long_factor": [1.5, 2.5, 5.0, 9.0]},
    "img_processor": {"name": "clip_vision_model", "vision_config": TOWER},
    "eos_token_id": 2,
    "torch_dtype": "float32",
}


def write_config(folder: Path, **changes: Any) -> Path:
    """A folder with nothing but its config.json."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(SMALL | changes))
    return folder


def random_weights(folder: Path) -> dict[str, Tensor]:
    """What the folder's config asks for, by the hub's names."""
    model = Phi3V(read_config(folder))
    draw = torch.Generator().manual_seed(3)
    weights = {name: torch.randn(weight.shape, generator=draw) / 4 for name, weight in model.named_parameters()}
    if model.config.tied:
        del weights["lm_head.weight"]
    return weights


def write_model(folder: Path, **changes: Any) -> Path:
    """A whole model."""
    write_config(folder, **changes)
    save_file(random_weights(folder), folder / "model.safetensors")
    return folder
