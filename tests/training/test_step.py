"""The trainer's forward is the product's: the same logits as its slow twin gives, dialogue by dialogue."""

import random

import msgspec
import pytest
import torch
from PIL import Image, ImageDraw, ImageOps

from inference_worker.model.checkpoint import TINY, load_model
from inference_worker.model.phi3v import Phi3V
from tests.golden.greedy import PlainSequence
from tests.training.drawn import DIALOGUE
from training.attention import PaddedAttention
from training.batch import Batch, build_batch
from training.dialogue import Dialogue
from training.losses import Heads, Weights
from training.sample import Sample, SampleBuilder
from training.step import decode, encode, judge
from training.world import Split, draw_chart, draw_page


def scribbled(dialogue: Dialogue) -> Dialogue:
    for drawing in dialogue.pictures:
        ImageDraw.Draw(drawing.image).ellipse((20, 30, 90, 80), fill="orange")
    return dialogue


@pytest.fixture(scope="module")
def model() -> Phi3V:
    return load_model(TINY, dtype=torch.float32)


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    builder = SampleBuilder(TINY)
    short = Dialogue(
        pictures=DIALOGUE.pictures[:1], exchanges=(msgspec.structs.replace(DIALOGUE.exchanges[2], shows=(0,)),)
    )
    return [builder.build(scribbled(short)), builder.build(DIALOGUE)]


@pytest.fixture(scope="module")
def batch(samples: list[Sample]) -> Batch:
    return build_batch(samples, random.Random(0))


@torch.inference_mode()
def reference(model: Phi3V, sample: Sample) -> torch.Tensor:
    """(positions, vocab) of one dialogue by itself."""
    features = [model.encode(seen.crops.float(), [seen.tiling])[0] for seen in sample.pictures]
    ids = list(sample.ids)
    for seen in sample.pictures:
        ids[seen.start : seen.start + seen.tiling.tokens] = [-1] * seen.tiling.tokens
    return PlainSequence(model, ids, torch.cat(features)).run(last=len(ids))


def test_padded_side_by_side_every_dialogue_has_the_logits_that_it_has_alone(
    model: Phi3V, samples: list[Sample], batch: Batch
) -> None:
    with torch.no_grad():
        hidden = decode(model, batch, encode(model, batch), PaddedAttention(length=batch.length))
        logits = model.logits(hidden).view(batch.sequences, batch.length, -1)
    assert len(samples[0].ids) + 100 < len(samples[1].ids)  # there is padding
    for rows, sample in zip(logits, samples, strict=True):
        torch.testing.assert_close(rows[: len(sample.ids)], reference(model, sample), atol=5e-4, rtol=0)


def test_the_tower_gives_the_same_on_the_way_that_can_go_back(model: Phi3V, batch: Batch) -> None:
    with torch.no_grad():
        plain = encode(model, batch)
    model.requires_grad_(requires_grad=True)
    try:
        with_graph = encode(model, batch)
        assert with_graph.requires_grad
        torch.testing.assert_close(with_graph.detach(), plain, atol=1e-4, rtol=1e-4)
    finally:
        model.requires_grad_(requires_grad=False)


def test_right_is_what_the_reference_would_say_next(model: Phi3V, samples: list[Sample], batch: Batch) -> None:
    heads = Heads(model.config.hidden_size)
    with torch.no_grad():
        judged = judge(
            model, heads, batch, hint_layers=(2, 5), comparison_layer=1, lookup_layer=3, value_layer=4, pair_layer=6
        )
    expected = [
        bool(logits[target.row].argmax() == target.token)
        for sample in samples
        for logits in [reference(model, sample)]
        for target in sample.targets
    ]
    assert judged.right.tolist() == expected
    assert set(expected) == {True, False}, "of one kind alone, anything would agree"


def test_every_weight_of_the_model_and_of_the_heads_learns() -> None:
    scene = DIALOGUE.pictures[1]
    changed = msgspec.structs.replace(scene, image=ImageOps.invert(scene.image))
    charts = [draw_chart(random.Random(0), Split.SEEN, what=what) for what in ("pie", "bar")]
    table = draw_page(random.Random(0), Split.SEEN, what="table")
    ask = msgspec.structs.replace(DIALOGUE.exchanges[1], shows=(2, 3, 4))
    alike = Dialogue(pictures=(scene, changed, *charts, table), exchanges=(*DIALOGUE.exchanges, ask))
    batch = build_batch([SampleBuilder(TINY).build(alike)], random.Random(0))
    model = load_model(TINY, dtype=torch.float32).requires_grad_(requires_grad=True)
    heads = Heads(model.config.hidden_size)
    losses = judge(
        model, heads, batch, hint_layers=(2, 5), comparison_layer=1, lookup_layer=3, value_layer=4, pair_layer=6
    ).losses
    torch.autograd.backward(losses.total(Weights(), hint=1.0))
    still = [
        name
        for part in (model, heads)
        for name, weight in part.named_parameters()
        if weight.grad is None or not weight.grad.any()
    ]
    assert still == []


def test_a_picture_of_another_dialogue_is_not_seen(model: Phi3V, batch: Batch) -> None:
    with torch.no_grad():
        features = encode(model, batch)
        hidden = decode(model, batch, features, PaddedAttention(length=batch.length))
        other = features.clone()
        other[: batch.tilings[0].tokens] += 1.0  # the first dialogue's picture
        changed = decode(model, batch, other, PaddedAttention(length=batch.length))
    assert not torch.allclose(hidden[: batch.length], changed[: batch.length])
    torch.testing.assert_close(hidden[batch.length :], changed[batch.length :])


def test_the_scribble_is_there() -> None:
    assert scribbled(DIALOGUE).pictures[0].image.getpixel((55, 55)) == Image.new("RGB", (1, 1), "orange").getpixel(
        (0, 0)
    )
