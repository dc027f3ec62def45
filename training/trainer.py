"""The training: draws, computes, updates, reports, and goes on where it was broken off."""

import functools
import random
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import msgspec
import torch

from inference_worker.model.config import read_config
from inference_worker.model.decoder import DecoderLayer
from inference_worker.model.phi3v import Phi3V
from inference_worker.model.tower import TowerLayer
from training.batch import Batch, build_batch, group_by_length
from training.checkpoint import read_checkpoint, write_checkpoint, write_files
from training.losses import Heads
from training.optimisers import build_optimisers, set_rate
from training.sample import SampleBuilder
from training.settings import TrainingSettings, write_settings
from training.start import begin
from training.step import Judged, judge
from training.stream import Drawn, Pools, draw_samples, open_stream
from training.talk import draw_dialogue
from training.tally import Tally
from training.team import Team, gather
from training.world.split import Split

CHECKPOINT = "checkpoint.pt"
CURVE = "curve.jsonl"
KEPT = "kept"  # copies of the checkpoint, each named by its step
MODEL = "model"  # the model's files without the weights
STOP = 1.0  # the progress at which a sitting ends

Tell = Callable[[str], None]


def train(settings: TrainingSettings, *, tell: Tell = print) -> None:
    """Train to the end of the schedule, or to Ctrl-C; either way `settings.out` then holds the checkpoint."""
    with gather(settings.processes, functools.partial(_take_part, settings)) as team, interruptible() as interrupted:
        torch.set_num_threads(settings.threads)
        Trainer(settings, tell, team).run(interrupted)


def _take_part(settings: TrainingSettings, team: Team) -> None:
    torch.set_num_threads(settings.threads)
    Trainer(settings, lambda _line: None, team).run(lambda: False)


class Trainer:
    """A sitting in its folder."""

    def __init__(self, settings: TrainingSettings, tell: Tell, team: Team | None = None) -> None:
        settings.out.mkdir(parents=True, exist_ok=True)
        self._settings = settings
        self._tell = tell
        self._team = team or Team()
        self._folder = settings.out / (MODEL if self._team.leads else f"{MODEL}-{self._team.place}")
        self._path = settings.out / CHECKPOINT
        self._at = read_checkpoint(self._path) if self._path.exists() else begin(settings, self._folder)
        write_files(self._at, self._folder)
        self._device = torch.device(settings.device)
        self._model = Phi3V(read_config(self._folder))
        self._model.load_state_dict(self._at.weights)
        self._heads = Heads(self._model.config.hidden_size)
        self._heads.load_state_dict(self._at.heads)
        self._model.to(self._device)
        self._heads.to(self._device)
        self._optimisers = build_optimisers(
            self._model, self._heads, matrix_rate=settings.matrix_rate, other_rate=settings.other_rate
        )
        for optimiser, state in zip(self._optimisers, self._at.optimisers, strict=False):  # none at the beginning
            restore(optimiser, state)
        self._trained = [*self._model.parameters(), *self._heads.parameters()]
        self._tally = Tally()
        self._examined: list[Batch] = []
        self._logged = self._saved = self._kept = self._looked = 0.0  # when last, by the monotonic clock
        if settings.compiled:
            compile_layers(self._model)

    def run(self, interrupted: Callable[[], bool]) -> None:
        """Step after step, to the end or until interrupted."""
        began = time.monotonic() - self._at.seconds
        self._logged = self._saved = self._kept = self._looked = time.monotonic()
        for drawn in self._open_stream():
            progress = self._settings.schedule.progress(step=self._at.step, seconds=time.monotonic() - began)
            progress = self._team.follow(STOP if interrupted() else progress)
            if progress >= STOP:
                break
            self._tally.add(drawn.batch, self._step(drawn.batch, progress))
            self._advance(drawn, seconds=time.monotonic() - began)
            if self._team.leads:
                self._report(progress)
        if self._team.leads:
            self.save()
            self.examine()

    def _report(self, progress: float) -> None:
        """Log, save, keep and examine, each when it is time again."""
        settings, now = self._settings, time.monotonic()
        if self._at.step % settings.log_every == 0:
            self._log(progress, seconds=now - self._logged)
            self._logged = now
        if now - self._saved > settings.save_every_s:
            self.save()
            self._saved = now
        if settings.keep_every_s is not None and now - self._kept > settings.keep_every_s:
            self.keep()
            self._kept = now
        if now - self._looked > settings.examine_every_s:
            self.examine()
            self._looked = self._logged = time.monotonic()

    def save(self) -> None:
        """Write the checkpoint, and what this training was told."""
        write_settings(self._settings)
        whole = msgspec.structs.replace(
            self._at,
            weights=self._model.state_dict(),
            heads=self._heads.state_dict(),
            optimisers=[optimiser.state_dict() for optimiser in self._optimisers],
        )
        write_checkpoint(self._path, whole)

    def keep(self) -> None:
        """Save, and keep a copy of it."""
        self.save()
        kept = self._settings.out / KEPT
        kept.mkdir(exist_ok=True)
        shutil.copy(self._path, kept / f"{self._at.step}.pt")

    def examine(self) -> Tally:
        """How held-out dialogues go, told the true words before each token."""
        if not self._examined:
            self._examined = list(self._draw_held_out())
        tally = Tally()
        with torch.no_grad():
            for batch in self._examined:
                tally.add(batch, self._judge(batch))
        self._write({"held_out": describe(tally)})
        self._tell(f"held out  words {tally.losses['words']:.4f}  {tell_tasks(tally)}")
        return tally

    def _step(self, batch: Batch, progress: float) -> Judged:
        schedule = self._settings.schedule
        judged = self._judge(batch)
        torch.autograd.backward(judged.losses.total(self._settings.weights, hint=schedule.hint(progress)))
        self._team.average(self._trained)
        torch.nn.utils.clip_grad_norm_(self._trained, self._settings.clip)
        set_rate(self._optimisers, schedule.rate(progress))
        for optimiser in self._optimisers:
            optimiser.step()
            optimiser.zero_grad()
        return judged

    def _judge(self, batch: Batch) -> Judged:
        with torch.autocast(self._device.type, torch.bfloat16):
            return judge(
                self._model,
                self._heads,
                batch.to(self._device),
                hint_layers=self._settings.hint_layers,
                comparison_layer=self._settings.comparison_layer,
                lookup_layer=self._settings.lookup_layer,
                value_layer=self._settings.value_layer,
                pair_layer=self._settings.pair_layer,
            )

    def _advance(self, drawn: Drawn, *, seconds: float) -> None:
        self._at = msgspec.structs.replace(
            self._at,
            step=self._at.step + 1,
            dialogues=self._at.dialogues + self._team.size * drawn.batch.sequences,  # the others' are about as many
            seconds=seconds,
            pool=drawn.pool,
            place=drawn.place,
        )

    def _open_stream(self) -> Iterator[Drawn]:
        settings, place = self._settings, self._team.place
        pools = Pools(
            self._folder,
            seed=f"{settings.seed}-{place}" if place else f"{settings.seed}",
            draw=functools.partial(draw_dialogue, mix=settings.mix, chatter=settings.chatter),
            rows=settings.batch_rows,
            size=settings.pool,
        )
        return open_stream(pools, pool=self._at.pool, place=self._at.place, workers=settings.workers)

    def _draw_held_out(self) -> Iterator[Batch]:
        count, rows = self._settings.examined, self._settings.batch_rows
        builder = SampleBuilder(self._folder)
        samples = draw_samples(builder, draw_dialogue, name="examined", count=count, split=Split.HELD_OUT)
        rng = random.Random(0)  # noqa: S311 - drawing, not secrets
        for group in group_by_length(samples, rows=rows, rng=rng):
            yield build_batch(group, rng)

    def _log(self, progress: float, *, seconds: float) -> None:
        tally = self._tally
        everybody = self._team.size / seconds
        speed = {"dialogues_per_s": tally.dialogues * everybody, "tokens_per_s": tally.tokens * everybody}
        done = {"step": self._at.step, "dialogues": self._at.dialogues, "minutes": self._at.seconds / 60}
        self._write({**done, "progress": progress, **speed, "seen": describe(tally)})
        losses = "  ".join(f"{name} {loss:.4f}" for name, loss in tally.losses.items())
        self._tell(
            f"{100 * progress:5.1f} %  step {self._at.step}  {losses}  {speed['dialogues_per_s']:.1f} dialogues/s"
            f"  {speed['tokens_per_s']:.0f} tokens/s  {tell_tasks(tally)}"
        )
        tally.empty()

    def _write(self, record: dict[str, Any]) -> None:
        with (self._settings.out / CURVE).open("ab") as file:
            file.write(msgspec.json.encode({"step": self._at.step, **record}) + b"\n")


def compile_layers(model: Phi3V) -> None:
    """Every layer through torch's compiler: half of a step goes into small operations, which it joins."""
    for module in model.modules():
        if isinstance(module, DecoderLayer | TowerLayer):
            module.compile(dynamic=True)


def restore(optimiser: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """An earlier state, with the rates of now."""
    rates = [(group["lr"], group["peak"]) for group in optimiser.param_groups]
    optimiser.load_state_dict(state)
    for group, (rate, peak) in zip(optimiser.param_groups, rates, strict=True):
        group["lr"], group["peak"] = rate, peak


def describe(tally: Tally) -> dict[str, Any]:
    """For the curve."""
    return {"losses": tally.losses, "exact": tally.exact, "tasks": tally.tasks}


def tell_tasks(tally: Tally) -> str:
    """For people: the part that is exactly right, of all and by task."""
    tasks = "  ".join(f"{task} {100 * score.exact:.0f}" for task, score in tally.tasks.items())
    return f"right {100 * tally.exact:.1f} % ({tasks})"


@contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """Whether Ctrl-C has been pressed; the step that is running is finished. Pressed again, it ends at once."""
    pressed = False

    def press(_number: int, _frame: FrameType | None) -> None:
        nonlocal pressed
        pressed = True
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, press)
    try:
        yield lambda: pressed
    finally:
        signal.signal(signal.SIGINT, before)
