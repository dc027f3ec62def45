"""All that a training can be told."""

import os
from pathlib import Path

import msgspec

from inference_worker.model.checkpoint import TINY
from training.losses import Weights
from training.schedule import Schedule
from training.talk import Mix

CHATTER = 3  # times as many questions about the same pictures as when it is examined: one more costs little
SETTINGS = "settings.json"
GPU_ROWS = 24_576  # enough to be worth its while


class TrainingSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One sitting. The same settings in the same folder go on where it was broken off.

    `start` is what it begins with: a model's folder, whose words are taken over where they are known; another
    sitting's checkpoint, which brings its vocabulary, its heads and the state of its optimisers; or None, which draws
    all weights at random, in the sizes of `base`.
    """

    out: Path  # a folder for the checkpoint, the curve and the model's files
    schedule: Schedule
    start: Path | None = TINY
    base: Path = TINY
    layers: int | None = None  # of the decoder: at first those beyond the model's own add nothing; None: its own
    crops: int | None = None  # of a picture, at most: see `training.losses.MOST_TOKENS`; None: the model's own
    seed: int = 0
    mix: Mix | str = "learning"  # of `training.talk`'s curriculum; it is examined on "all"
    chatter: float = CHATTER
    vocabulary: int = 1024  # ids at most
    vocabulary_dialogues: int = 4000  # drawn to see which words are used
    batch_rows: int = 3072  # of the padded batch, for each process
    pool: int = 192  # dialogues that are sorted by length at a time
    matrix_rate: float = 0.006  # Muon's; half of it in the tower
    other_rate: float = 0.001  # AdamW's
    clip: float = 1.0  # of the gradient's norm
    weights: Weights = Weights()
    # Of the decoder. Attention is pulled there to what is read: early by what it is, and later by where the letter before
    # stood, which the first of them has found out. In the first one it is pulled to the picture before, too.
    hint_layers: tuple[int, ...] = (2, 5, 7)
    lookup_layer: int = 3  # in it charts' labels look at their marks, and after it they know what these are worth
    value_layer: int = 4  # in it names in a question, found in the one before, ask their labels for that
    pair_layer: int = 6  # in it two names that are compared are looked at by two heads, and after it one leads
    comparison_layer: int = 1  # after it pictures' tokens are asked what they hold, and where and how large it is
    compiled: bool = False  # layers through torch's compiler: a minute at the start, a tenth less for each step
    device: str = "cpu"
    processes: int = 1  # each with its own batch of each step; on CPUs only
    threads: int = 1  # of each process
    workers: int = 1  # draw for each process: one draws as fast as one core computes
    log_every: int = 20  # steps
    save_every_s: float = 180.0
    keep_every_s: float | None = None  # a copy of the checkpoint, to be averaged; None: never
    examine_every_s: float = 300.0
    examined: int = 96  # held-out dialogues each time


def write_settings(settings: TrainingSettings) -> None:
    """Beside the checkpoint: who goes on with it need not know them."""
    told = msgspec.json.encode(settings, enc_hook=str)
    (settings.out / SETTINGS).write_bytes(msgspec.json.format(told, indent=2))


def read_settings(out: Path) -> TrainingSettings:
    """What the training in this folder was told.

    Raises:
        FileNotFoundError: nothing says so.
    """
    told = (out / SETTINGS).read_bytes()
    settings = msgspec.json.decode(told, type=TrainingSettings, dec_hook=lambda kind, value: kind(value))
    return msgspec.structs.replace(settings, out=out)  # it may have been moved


def on_gpu(settings: TrainingSettings) -> TrainingSettings:
    """The same, where one GPU computes in large steps and every core of the processor draws for it."""
    workers = max(1, (os.cpu_count() or 1) - 1)
    return msgspec.structs.replace(settings, device="cuda", processes=1, workers=workers, batch_rows=GPU_ROWS)


def smoke(out: Path) -> TrainingSettings:
    """From nothing, half a minute of one core: long enough to see the loss fall."""
    return TrainingSettings(
        out=out,
        schedule=Schedule(steps=30, decay=0.4),
        start=None,
        vocabulary_dialogues=100,
        batch_rows=1024,
        processes=2,
        pool=32,
        matrix_rate=0.02,
        other_rate=0.003,
        log_every=10,
        examine_every_s=1e9,
        examined=8,
    )
