"""Batches, drawn in a process of their own while the trainer computes.

The same seed gives the same batches, whenever and wherever the stream begins.
"""

import random
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import torch
from torch.utils.data import DataLoader, IterableDataset

from training.batch import Batch, build_batch, group_by_length
from training.sample import Sample, SampleBuilder
from training.talk import draw_dialogue
from training.world.split import Split

AHEAD = 6  # batches that wait, about 15 MB each


class Drawn(msgspec.Struct, frozen=True, kw_only=True):
    """A batch, and where the stream goes on after it."""

    batch: Batch
    pool: int
    place: int


class BatchStream(IterableDataset[Drawn]):
    """Endless batches from the `place`th of pool number `pool` on. `pool_size` dialogues are sorted at a time."""

    def __init__(
        self, folder: Path, *, seed: int, mix: str | None, rows: int, pool_size: int, pool: int = 0, place: int = 0
    ) -> None:
        self._folder = folder
        self._seed = seed
        self._mix = mix
        self._rows = rows
        self._pool_size = pool_size
        self._pool = pool
        self._place = place

    def __iter__(self) -> Iterator[Drawn]:
        builder = SampleBuilder(self._folder)
        pool, place = self._pool, self._place
        while True:
            samples = draw_samples(
                builder, name=f"{self._seed}/{pool}", count=self._pool_size, split=Split.SEEN, mix=self._mix
            )
            batches = group_by_length(samples, rows=self._rows, rng=_rng(f"{self._seed}/{pool}"))
            for number, group in enumerate(batches[place:], start=place):
                batch = build_batch(group, _rng(f"{self._seed}/{pool}/{number}"))
                last = number + 1 == len(batches)
                yield Drawn(batch=batch, pool=pool + last, place=0 if last else number + 1)
            pool, place = pool + 1, 0


def open_stream(stream: BatchStream) -> DataLoader[Any]:
    """The stream in a process of its own, some batches ahead; it ends with the loader."""
    return DataLoader(stream, batch_size=None, num_workers=1, prefetch_factor=AHEAD, worker_init_fn=_settle)


def draw_samples(builder: SampleBuilder, *, name: str, count: int, split: Split, mix: str | None) -> list[Sample]:
    """`count` drawn dialogues as samples; the same name draws the same ones."""
    return [builder.build(draw_dialogue(_rng(f"{name}/{number}"), split, mix=mix)) for number in range(count)]


def _rng(name: str) -> random.Random:
    return random.Random(f"training {name}")  # noqa: S311 - drawing, not secrets


def _settle(worker: int) -> None:  # noqa: ARG001 - the loader tells the number
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the trainer decides when to stop
    torch.set_num_threads(1)
