"""Batches, drawn in processes of their own while the trainer computes.

Drawn pool by pool: the same seed gives the same batches, whenever the stream begins and however many draw.
"""

import itertools
import pickle
import random
import signal
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import torch
from torch.utils.data import DataLoader, Dataset

from training.batch import Batch, build_batch, group_by_length
from training.dialogue import Dialogue
from training.sample import Sample, SampleBuilder
from training.world.split import Split

Draw = Callable[[random.Random, Split], Dialogue]

AHEAD = 2  # pools that each drawing process has ready, about 50 MB each


class Drawn(msgspec.Struct, frozen=True, kw_only=True):
    """A batch, and where the stream goes on after it."""

    batch: Batch
    pool: int
    place: int


class Pools(Dataset[bytes]):
    """Pool number n: `size` dialogues, sorted by length into batches of about `rows` rows.

    Pickled: handed over as tensors, each would take a file handle of both processes.
    """

    def __init__(self, folder: Path, *, seed: str, draw: Draw, rows: int, size: int) -> None:
        self._folder = folder
        self._seed = seed
        self._draw = draw
        self._rows = rows
        self._size = size
        self._builder: SampleBuilder | None = None  # one for each process that draws

    def __getitem__(self, number: int) -> bytes:
        """The batches, in an order of chance."""
        self._builder = self._builder or SampleBuilder(self._folder)
        name = f"{self._seed}/{number}"
        samples = draw_samples(self._builder, self._draw, name=name, count=self._size, split=Split.SEEN)
        groups = group_by_length(samples, rows=self._rows, rng=_rng(name))
        return pickle.dumps([build_batch(group, _rng(f"{name}/{place}")) for place, group in enumerate(groups)])


def open_stream(pools: Pools, *, pool: int, place: int, workers: int) -> Iterator[Drawn]:
    """Endless batches from the `place`th of pool number `pool` on; the processes that draw end with the iterator."""
    loader: DataLoader[Any] = DataLoader(
        pools,
        batch_size=None,
        sampler=_count_from(pool),
        num_workers=workers,
        prefetch_factor=AHEAD,
        worker_init_fn=_settle,
    )
    for number, pickled in zip(itertools.count(pool), loader, strict=False):
        batches: list[Batch] = pickle.loads(pickled)  # noqa: S301 - from our own process
        for at, batch in enumerate(batches[place:], start=place):
            last = at + 1 == len(batches)
            yield Drawn(batch=batch, pool=number + last, place=0 if last else at + 1)
        place = 0


def draw_samples(builder: SampleBuilder, draw: Draw, *, name: str, count: int, split: Split) -> list[Sample]:
    """`count` drawn dialogues as samples; the same name draws the same ones."""
    return [builder.build(draw(_rng(f"{name}/{number}"), split)) for number in range(count)]


def _count_from(first: int) -> Iterable[int]:
    return range(first, 1 << 62)


def _rng(name: str) -> random.Random:
    return random.Random(f"training {name}")  # noqa: S311 - drawing, not secrets


def _settle(worker: int) -> None:  # noqa: ARG001 - the loader tells the number
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the trainer decides when to stop
    torch.set_num_threads(1)
