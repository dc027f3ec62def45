import json
import shutil
from pathlib import Path

import msgspec
import pytest
import torch
from safetensors.torch import load_file, save_file

from inference_worker.model.checkpoint import TINY, load_model
from training.average import NotAlike, average
from training.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from training.export import export

WEIGHTS = "model.safetensors"


@pytest.fixture
def louder(tmp_path: Path) -> Path:
    """The built-in model with everything twice as large."""
    folder = tmp_path / "louder"
    shutil.copytree(TINY, folder)
    twice = {name: 2 * weight for name, weight in load_file(TINY / WEIGHTS).items()}
    save_file(twice, folder / WEIGHTS)
    return folder


@pytest.fixture(scope="module")
def own() -> Checkpoint:
    return average([(1, TINY)])


@pytest.mark.parametrize("share", [0.25, 1.0, 3.0])
def test_each_weight_lies_between_them_as_much_as_they_count(own: Checkpoint, louder: Path, share: float) -> None:
    mean = average([(1, TINY), (share, louder)])
    for name, weight in own.weights.items():
        torch.testing.assert_close(mean.weights[name], weight * (1 + share / (1 + share)))


def test_states_of_a_training_are_averaged_in_float32_with_their_heads(own: Checkpoint, tmp_path: Path) -> None:
    fine = torch.full((3,), 1 + 2**-20)  # bfloat16 would round it to 1
    state = msgspec.structs.replace(own, heads={"measured": fine}, optimisers=[{"state": {}}], step=70, pool=5)
    write_checkpoint(tmp_path / "70.pt", state)
    mean = average([(0.8, TINY), (0.1, tmp_path / "70.pt"), (0.1, tmp_path / "70.pt")])
    assert torch.equal(mean.heads["measured"], fine)
    assert (mean.step, mean.seconds, mean.pool, mean.optimisers) == (0, 0.0, 5, [{"state": {}}])
    for name, weight in own.weights.items():
        torch.testing.assert_close(mean.weights[name], weight)


def test_the_mean_can_be_exported_and_loaded(louder: Path, tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "mean.pt", average([(1, TINY), (1, louder)]))
    assert read_checkpoint(tmp_path / "mean.pt").heads == {}
    export(tmp_path / "mean.pt", tmp_path / "model")
    assert load_model(tmp_path / "model", dtype=torch.float32).config == load_model(TINY, dtype=torch.float32).config


def test_models_of_other_words_or_sizes_have_no_mean(own: Checkpoint, louder: Path, tmp_path: Path) -> None:
    cut = {name: weight[:1] for name, weight in own.weights.items()}
    write_checkpoint(tmp_path / "cut.pt", msgspec.structs.replace(own, weights=cut))
    with pytest.raises(NotAlike, match="sizes"):
        average([(1, TINY), (1, tmp_path / "cut.pt")])
    words = json.loads((louder / "tokenizer.json").read_text(encoding="utf-8"))
    words["model"]["vocab"]["ninety"] = 1
    (louder / "tokenizer.json").write_text(json.dumps(words), encoding="utf-8")
    with pytest.raises(NotAlike, match="words"):
        average([(1, TINY), (1, louder)])
