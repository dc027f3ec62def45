"""A training on disk: everything that is needed to go on, in one file that is whole or not there."""

import os
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import msgspec
import torch
from torch import Tensor

# What torch's reader, pickle and zipfile say of bytes that are no checkpoint, or a broken one.
DAMAGED = (
    *(OSError, RuntimeError, EOFError, TypeError, LookupError, ValueError, AttributeError, AssertionError),
    *(pickle.UnpicklingError, zipfile.BadZipFile, struct.error),
)


class NoCheckpoint(Exception):
    """The file is none; the argument says which."""


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """`files` are the model's own, by name: with `weights` they make it whole."""

    weights: dict[str, Tensor]  # in float32, by the hub's names
    heads: dict[str, Tensor]
    optimisers: list[dict[str, Any]]
    files: dict[str, str]
    step: int = 0
    dialogues: int = 0
    seconds: float = 0.0  # of training in this sitting
    pool: int = 0  # the next batch is the `place`th of this pool
    place: int = 0


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Atomically: a reader finds the old one or the new one."""
    partial = path.with_suffix(".partial")
    torch.save(msgspec.structs.asdict(checkpoint), partial)
    os.replace(partial, path)  # noqa: PTH105 - one call of the system, whatever stands there


def read_checkpoint(path: Path) -> Checkpoint:
    """What `write_checkpoint` wrote, on the CPU. It is opened without running anything that stands in it.

    Raises:
        NoCheckpoint: this is something else.
    """
    try:
        return Checkpoint(**torch.load(path, map_location="cpu", weights_only=True))
    except DAMAGED as error:
        raise NoCheckpoint(f"{path} is no checkpoint of a training") from error


def write_files(checkpoint: Checkpoint, folder: Path) -> None:
    """The model's files but the weights."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in checkpoint.files.items():
        (folder / name).write_text(content, encoding="utf-8")


def read_files(folder: Path) -> dict[str, str]:
    """What `write_files` is to write again."""
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.json"))}
