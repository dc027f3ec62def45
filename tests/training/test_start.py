import json
import random
from pathlib import Path

import pytest
import torch

from inference_worker.model.checkpoint import TINY, load_model
from inference_worker.model.tokenizer import Tokenizer
from tests.golden.greedy import PlainSequence
from tests.training.drawn import DIALOGUE
from training.attention import PaddedAttention
from training.batch import build_batch
from training.checkpoint import Checkpoint
from training.sample import SampleBuilder
from training.start import draw_heads, draw_model, take_over, with_all_heads
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
