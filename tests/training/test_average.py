import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from inference_worker.model.checkpoint import TINY, load_model
from training.average import WEIGHTS, NotAlike, average


@pytest.fixture
def louder(tmp_path: Path) -> Path:
    """The built-in model with everything twice as large."""
    folder = tmp_path / "louder"
    shutil.copytree(TINY, folder)
    twice = {name: 2 * weight for name, weight in load_file(TINY / WEIGHTS).items()}
    save_file(twice, folder / WEIGHTS)
    return folder


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_each_weight_lies_between_the_two(louder: Path, tmp_path: Path, share: float) -> None:
    average(TINY, louder, tmp_path / "mean", share=share)
    own, mean = load_file(TINY / WEIGHTS), load_file(tmp_path / "mean" / WEIGHTS)
    assert own.keys() == mean.keys()
    for name, weight in own.items():
        torch.testing.assert_close(mean[name], (weight.float() * (1 + share)).to(weight.dtype))


def test_the_mean_is_a_model_that_can_be_loaded(louder: Path, tmp_path: Path) -> None:
    average(TINY, louder, tmp_path / "mean", share=0.5)
    assert load_model(tmp_path / "mean", dtype=torch.float32).config == load_model(TINY, dtype=torch.float32).config


def test_models_of_other_words_or_sizes_have_no_mean(louder: Path, tmp_path: Path) -> None:
    weights = load_file(louder / WEIGHTS)
    save_file({name: weight[:1] for name, weight in weights.items()}, louder / WEIGHTS)
    with pytest.raises(NotAlike, match="sizes"):
        average(TINY, louder, tmp_path / "mean", share=0.5)
    words = json.loads((louder / "tokenizer.json").read_text(encoding="utf-8"))
    words["model"]["vocab"]["ninety"] = 1
    (louder / "tokenizer.json").write_text(json.dumps(words), encoding="utf-8")
    with pytest.raises(NotAlike, match="words"):
        average(TINY, louder, tmp_path / "mean", share=0.5)
