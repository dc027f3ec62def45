"""What a training begins with: weights drawn at random, or those of an earlier model whose words are taken over."""

import json
import math
import random
from collections.abc import Mapping
from pathlib import Path

import msgspec
import torch
from torch import Tensor, nn

from inference_worker.model.checkpoint import load_model
from inference_worker.model.config import read_config
from inference_worker.model.phi3v import Phi3V
from training.checkpoint import Checkpoint, read_checkpoint, read_files, write_files
from training.losses import Heads
from training.settings import TrainingSettings
from training.talk import draw_dialogue
from training.tokenizer import build_tokenizer, collect_words, map_rows, pieces_of, set_crops, write_model_files
from training.world.split import Split

LAYER = "model.layers."  # of the decoder, and its number
ADDING = ("o_proj.weight", "down_proj.weight")  # what a layer adds comes out of these
TABLES = ("model.embed_tokens.weight", "lm_head.weight")  # a row for each piece of the vocabulary
DEVIATION = 0.02  # of tables, positions and separators
SHARE = 0.5  # of its size that what is multiplied keeps


class DepthRefused(Exception):
    """The decoder cannot have as many layers; the argument says why."""


def begin(settings: TrainingSettings, folder: Path) -> Checkpoint:
    """The state before the first step. The model's files are written to `folder`.

    Raises:
        Unavailable: the model to start from cannot be read.
        DepthRefused: its decoder cannot get as many layers as are asked for.
    """
    start = settings.start
    if start is not None and start.is_file():
        if settings.layers is not None:
            raise DepthRefused("a checkpoint goes on with the layers that it has")
        earlier = read_checkpoint(start)
        write_files(earlier, folder)
        if settings.crops is not None:
            set_crops(folder, settings.crops)
        earlier = msgspec.structs.replace(earlier, files=read_files(folder), step=0, seconds=0.0)
        return with_all_heads(earlier, folder, settings.seed)
    base = start or settings.base
    check_depth(settings, own=read_config(base).layers)
    form = json.loads((base / "tokenizer.json").read_text(encoding="utf-8"))
    talk = (
        draw_dialogue(random.Random(f"words {settings.seed}/{number}"), Split.SEEN, mix=settings.mix)  # noqa: S311
        for number in range(settings.vocabulary_dialogues)
    )
    tokenizer = build_tokenizer(form, collect_words(talk), most=settings.vocabulary)
    write_model_files(folder, base=base, tokenizer=tokenizer, layers=settings.layers)
    if settings.crops is not None:
        set_crops(folder, settings.crops)
    model = take_over(folder, start) if start else draw_model(folder, settings.seed)
    return Checkpoint(
        weights=model.state_dict(),
        heads=draw_heads(folder, settings.seed),
        optimisers=[],
        files=read_files(folder),
    )


def with_all_heads(earlier: Checkpoint, folder: Path, seed: int) -> Checkpoint:
    """With heads that the earlier sitting did not know; then its optimisers cannot go on where they were."""
    heads = draw_heads(folder, seed)
    if heads.keys() == earlier.heads.keys():
        return earlier
    return msgspec.structs.replace(earlier, heads=heads | earlier.heads, optimisers=[])


def draw_heads(folder: Path, seed: int) -> dict[str, Tensor]:
    """For the model of this folder's config, drawn at random."""
    torch.manual_seed(seed)
    heads: dict[str, Tensor] = Heads(read_config(folder).hidden_size).state_dict()
    return heads


def draw_model(folder: Path, seed: int) -> Phi3V:
    """The model of this folder's config, in float32, with weights drawn at random."""
    model = Phi3V(read_config(folder))
    draw = torch.Generator().manual_seed(seed)
    for name, weight in model.named_parameters():
        if name.endswith("bias"):
            nn.init.zeros_(weight)
        elif "norm" in name:
            nn.init.ones_(weight)
        else:
            nn.init.normal_(weight, std=deviation(name, weight), generator=draw)
    return model


def take_over(folder: Path, earlier: Path) -> Phi3V:
    """The model of this folder's config, in float32, with an earlier one's weights: its vocabulary and depth may differ.

    Raises:
        Unavailable: the earlier model cannot be read.
        RuntimeError: their sizes differ.
    """
    old, new = (
        pieces_of(json.loads((path / "tokenizer.json").read_text(encoding="utf-8"))) for path in (earlier, folder)
    )
    weights: dict[str, Tensor] = dict(load_model(earlier, dtype=torch.float32).state_dict())
    for name in TABLES:
        weights[name] = map_rows(weights[name], old, new)
    config = read_config(folder)
    model = Phi3V(config)
    model.load_state_dict(deepen(weights, layers=config.layers))
    return model


def check_depth(settings: TrainingSettings, *, own: int) -> None:
    """Before anything is drawn: whether the layers asked for, or the model's `own`, will do.

    Raises:
        DepthRefused: they will not.
    """
    layers, least = settings.layers or own, 1 + max(settings.hint_layers)
    if layers < least:
        raise DepthRefused(f"attention is pulled in layer {least}, so {layers} are too few")
    if settings.start and not own <= layers < 2 * own:
        raise DepthRefused(f"a decoder of {own} layers becomes one of {own} to {2 * own - 1}")


def deepen(weights: Mapping[str, Tensor], *, layers: int) -> dict[str, Tensor]:
    """The weights with a decoder of so many layers, that computes what it did before.

    Copies follow the layers before the last one, one each: what is found out early is there by then. They add nothing
    yet.
    """
    own = 1 + max(int(name.split(".")[2]) for name in weights if name.startswith(LAYER))
    assert own <= layers < 2 * own, "see `check_depth`"
    first = 2 * own - 1 - layers  # of those that a copy follows
    deeper = {name: weight for name, weight in weights.items() if not name.startswith(LAYER)}
    for name in weights.keys() - deeper.keys():
        number, _, part = name.removeprefix(LAYER).partition(".")
        place = int(number) + min(max(0, int(number) - first), layers - own)
        deeper[f"{LAYER}{place}.{part}"] = weights[name]
        if first <= int(number) < own - 1:
            copied = torch.zeros_like(weights[name]) if part.endswith(ADDING) else weights[name].clone()
            deeper[f"{LAYER}{place + 1}.{part}"] = copied
    return deeper


def deviation(name: str, weight: Tensor) -> float:
    """Of a product, so that what goes in comes out at its own size; small for what is only added."""
    multiplies = name.endswith(
        ("proj.weight", "fc1.weight", "fc2.weight", "patch_embedding.weight", "0.weight", "2.weight")
    )
    return SHARE / math.sqrt(weight[0].numel()) if multiplies else DEVIATION
