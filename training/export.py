"""From a checkpoint to a model's folder, laid out as on the hub."""

from pathlib import Path

from safetensors.torch import save_file

from training.checkpoint import read_checkpoint, write_files


def export(checkpoint: Path, out: Path) -> None:
    """Write the model: weights in bfloat16 under the hub's names, and all the files beside them."""
    trained = read_checkpoint(checkpoint)
    write_files(trained, out)
    weights = {name: weight.bfloat16().contiguous() for name, weight in trained.weights.items()}
    save_file(weights, out / "model.safetensors", metadata={"format": "pt"})
