"""The mean of states of one training, or of sittings that went on from each other: it may answer better than any.

What the last steps' noise did to the one is not what it did to the other (Wortsman et al. 2022, "Model soups").
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import torch
from torch import Tensor

from inference_worker.model.checkpoint import load_model
from training.checkpoint import Checkpoint, read_checkpoint, read_files

VOCABULARY = "tokenizer.json"

Tensors = Mapping[str, Tensor]


class NotAlike(Exception):
    """They have other words or other sizes; the argument says which of them."""


def average(parts: Sequence[tuple[float, Path]]) -> Checkpoint:
    """The weighted mean of models' folders and checkpoints, in float32, to go on from or to export.

    Heads are the mean of those parts that have any; the state of the optimisers is the last part's.

    Raises:
        NotAlike: their mean would mean nothing.
        NoCheckpoint: a file is none.
        Unavailable: a folder holds no model.
    """
    states = [(share, _read(path)) for share, path in parts]
    _, last = states[-1]
    for _, state in states:
        if state.files[VOCABULARY] != last.files[VOCABULARY]:
            raise NotAlike("words")
        if _sizes(state.weights) != _sizes(last.weights):
            raise NotAlike("sizes")
    return msgspec.structs.replace(
        last,
        weights=_mean([(share, state.weights) for share, state in states]),
        heads=_mean([(share, state.heads) for share, state in states if state.heads]),
        step=0,
        seconds=0.0,
    )


def _read(path: Path) -> Checkpoint:
    if path.is_file():
        return read_checkpoint(path)
    weights = load_model(path, dtype=torch.float32).state_dict()
    return Checkpoint(weights=weights, heads={}, optimisers=[], files=read_files(path))


def _sizes(weights: Tensors) -> dict[str, torch.Size]:
    return {name: weight.shape for name, weight in weights.items()}


def _mean(parts: Sequence[tuple[float, Tensors]]) -> dict[str, Tensor]:
    whole = sum(share for share, _ in parts)
    mean: dict[str, Tensor] = {}
    for share, weights in parts:
        for name, weight in weights.items():
            mean[name] = mean.get(name, 0) + weight.float() * (share / whole)
    return mean
