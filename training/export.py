"""From a checkpoint to a model's folder, laid out as on the hub."""

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from inference_worker.model.checkpoint import TOWER
from inference_worker.model.config import read_config
from inference_worker.model.tower import TowerLayer
from training.checkpoint import read_checkpoint, write_files


def export(checkpoint: Path, out: Path) -> None:
    """Write the model: weights in bfloat16 under the hub's names, and all the files beside them."""
    trained = read_checkpoint(checkpoint)
    write_files(trained, out)
    weights = trained.weights | unread_weights(out)
    rounded = {name: weight.bfloat16().contiguous() for name, weight in weights.items()}
    save_file(rounded, out / "model.safetensors", metadata={"format": "pt"})


def unread_weights(folder: Path) -> dict[str, Tensor]:
    """What lies on the hub though nobody reads it, all zero: the tower's layers behind its features, and its last norm.

    Other readers of the format ask for it.
    """
    config = read_config(folder)
    tower = config.tower
    norms = {f"{TOWER}post_layernorm.{name}": torch.zeros(tower.hidden_size) for name in ("weight", "bias")}
    layers = {
        f"{TOWER}encoder.layers.{number}.{name}": torch.zeros_like(weight)
        for number in range(config.tower_layers, tower.num_hidden_layers)
        for name, weight in TowerLayer(tower).state_dict().items()
    }
    return layers | norms
