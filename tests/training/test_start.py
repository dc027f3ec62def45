import json
import random
from pathlib import Path

import msgspec
import pytest
import torch

from inference_worker.model.checkpoint import TINY, load_model
from inference_worker.model.config import read_config
from inference_worker.model.tokenizer import Tokenizer
from inference_worker.presets import read_presets
from tests.golden.greedy import PlainSequence
from tests.training.drawn import DIALOGUE
from training.attention import PaddedAttention
from training.batch import build_batch
from training.checkpoint import Checkpoint, write_checkpoint, write_files
from training.sample import SampleBuilder
from training.schedule import Schedule
from training.settings import TrainingSettings
from training.start import DepthRefused, begin, check_depth, deepen, draw_heads, draw_model, take_over, with_all_heads
from training.step import decode, encode
from training.tokenizer import build_tokenizer, collect_words, pieces_of, write_model_files

FORM = json.loads((TINY / "tokenizer.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    write_model_files(folder, base=TINY, tokenizer=build_tokenizer(FORM, collect_words([DIALOGUE] * 2), most=640))
    return folder


@torch.inference_mode()
def test_known_words_mean_what_they_meant_under_their_new_ids(folder: Path) -> None:
    old, new = Tokenizer(TINY), Tokenizer(folder)
    text = "\nWhat is the title?"
    pieces = [old.piece(token) for token in old.encode(text)]
    assert [new.piece(token) for token in new.encode(text)] == pieces
    assert old.encode(text) != new.encode(text)
    before = PlainSequence(load_model(TINY, dtype=torch.float32), old.encode(text)).run()[0]
    after = PlainSequence(take_over(folder, TINY), new.encode(text)).run()[0]
    known, kept = pieces_of(FORM), pieces_of(json.loads((folder / "tokenizer.json").read_text(encoding="utf-8")))
    both = [piece for piece in kept if piece in known]
    assert len(both) > 200
    torch.testing.assert_close(after[[kept[piece] for piece in both]], before[[known[piece] for piece in both]])


@torch.inference_mode()
def test_layers_that_come_new_change_nothing_yet(tmp_path: Path) -> None:
    own = read_config(TINY).layers
    write_model_files(tmp_path, base=TINY, tokenizer=FORM, layers=own + 2)
    deeper, model = take_over(tmp_path, TINY), load_model(TINY, dtype=torch.float32)
    assert len(deeper.model.layers) == own + 2
    ids = Tokenizer(TINY).encode("\nWhat is the title?")
    torch.testing.assert_close(PlainSequence(deeper, ids).run()[0], PlainSequence(model, ids).run()[0])


def test_layers_come_new_behind_those_before_the_last() -> None:
    weights = {f"model.layers.{place}.mlp.down_proj.weight": torch.tensor([place + 1.0]) for place in range(4)}
    weights |= {f"model.layers.{place}.mlp.gate_up_proj.weight": torch.tensor([place + 1.0]) for place in range(4)}
    deeper = deepen(weights, layers=6)
    assert [deeper[f"model.layers.{place}.mlp.down_proj.weight"].item() for place in range(6)] == [1, 2, 0, 3, 0, 4]
    assert [deeper[f"model.layers.{place}.mlp.gate_up_proj.weight"].item() for place in range(6)] == [1, 2, 2, 3, 3, 4]


@pytest.mark.parametrize(
    ("layers", "said"), [(5, "layer 8, so 5 are too few"), (12, "a decoder of 6 layers becomes one of 6 to 11")]
)
def test_a_depth_that_cannot_be_reached_is_refused(layers: int, said: str) -> None:
    settings = TrainingSettings(out=Path(), schedule=Schedule(steps=1), layers=layers)
    with pytest.raises(DepthRefused, match=said):
        check_depth(settings, own=6)


def test_a_checkpoint_keeps_its_depth(tmp_path: Path) -> None:
    start = tmp_path / "checkpoint.pt"
    start.touch()
    settings = TrainingSettings(out=tmp_path, schedule=Schedule(steps=1), start=start, layers=9)
    with pytest.raises(DepthRefused, match="with the layers that it has"):
        begin(settings, tmp_path)


@pytest.mark.parametrize("again", [False, True])
def test_crops_that_are_asked_for_are_those_of_the_model(tmp_path: Path, *, again: bool) -> None:
    settings = TrainingSettings(out=tmp_path, schedule=Schedule(steps=1), crops=6, vocabulary_dialogues=2)
    begun = begin(settings, tmp_path / "model")
    if again:
        write_checkpoint(tmp_path / "checkpoint.pt", begun)
        more = msgspec.structs.replace(settings, start=tmp_path / "checkpoint.pt", crops=9)
        begun = begin(more, tmp_path / "model")
    write_files(begun, tmp_path / "written")
    most = read_config(tmp_path / "written").image.num_crops
    assert (most, read_presets(tmp_path / "written").max_crops) == ((9, 9) if again else (6, 6))
    sample = SampleBuilder(tmp_path / "model").build(DIALOGUE)
    assert max(picture.tiling.crops for picture in sample.pictures) <= 1 + most


def test_drawn_weights_keep_what_passes_through_them_at_its_size(folder: Path) -> None:
    model = draw_model(folder, seed=1)
    batch = build_batch([SampleBuilder(folder).build(DIALOGUE)], random.Random(0))
    with torch.no_grad():
        hidden = decode(model, batch, encode(model, batch), PaddedAttention(length=batch.length))
        logits = model.logits(hidden)
    assert 0.9 < hidden.square().mean().sqrt() < 1.1
    assert logits.std() < 1  # nothing is believed yet
    assert (hidden.std(dim=0) > 0.1).float().mean() > 0.9  # and rows differ


def test_the_same_seed_draws_the_same_weights(folder: Path) -> None:
    first, again, other = (draw_model(folder, seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["lm_head.weight"], other["lm_head.weight"])


def test_a_head_that_an_earlier_sitting_did_not_know_is_drawn_and_the_others_stay(folder: Path) -> None:
    heads = draw_heads(folder, seed=1)
    known = {name: weight for name, weight in heads.items() if not name.startswith("measured")}
    earlier = Checkpoint(weights={}, heads=known, optimisers=[{"state": {}}], files={})
    now = with_all_heads(earlier, folder, seed=2)
    assert now.heads.keys() == heads.keys()
    assert all(now.heads[name] is weight for name, weight in known.items())
    assert now.optimisers == []
    assert with_all_heads(now, folder, seed=3) is now
