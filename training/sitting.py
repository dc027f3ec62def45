"""The command that trains: what it was told becomes the settings of a sitting."""

import enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:  # torch takes seconds
    from training.settings import TrainingSettings


class Device(enum.StrEnum):
    """Where a training computes."""

    CPU = "cpu"
    CUDA = "cuda"


def train(
    context: typer.Context,
    out: Annotated[
        Path, typer.Option(file_okay=False, help="A folder for the checkpoint, the curve and the model's files.")
    ],
    init: Annotated[
        str,
        typer.Option(help="What to begin with: `tiny`, a model's folder, another training's checkpoint, or `none`."),
    ] = "tiny",
    *,
    minutes: Annotated[float, typer.Option(min=0.1, help="Of training; breaks do not count.")] = 60.0,
    seed: Annotated[int, typer.Option(help="The same seed draws the same dialogues.")] = 0,
    layers: Annotated[
        int | None, typer.Option(min=1, help="Of the decoder: more than the model has add nothing at first.")
    ] = None,
    crops: Annotated[
        int | None, typer.Option(min=1, max=9, help="Of a picture, at most: more of them show smaller things.")
    ] = None,
    keep_every: Annotated[
        float | None, typer.Option(min=1, help="Minutes after which a checkpoint is kept, for `average`; else none is.")
    ] = None,
    device: Annotated[Device | None, typer.Option(help="What is there, if left out.")] = None,
    processes: Annotated[int, typer.Option(min=1, help="That compute together on a CPU: one for each core.")] = 2,
    compiled: Annotated[bool, typer.Option("--compiled", help="Layers through torch's compiler.")] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the training that was broken off there, as it was told then.")
    ] = False,
) -> None:
    """Train on freshly drawn dialogues. Ctrl-C saves, and --resume goes on."""
    from training.schedule import Schedule  # noqa: PLC0415 - torch takes seconds; the same below
    from training.settings import TrainingSettings  # noqa: PLC0415
    from training.trainer import CHECKPOINT  # noqa: PLC0415

    if resume is not (out / CHECKPOINT).exists():
        said = f"{out} holds a training: --resume goes on with it" if not resume else f"{out} holds no training yet"
        raise typer.BadParameter(said, param_hint="--resume")
    if resume:
        _refuse_others(context)
        _run(_settings_there(out))
        return
    settings = TrainingSettings(
        out=out,
        schedule=Schedule(minutes=minutes),
        start=_find_start(init),
        layers=layers,
        crops=crops,
        seed=seed,
        keep_every_s=60 * keep_every if keep_every else None,
        processes=processes,
        compiled=compiled,
    )
    _run(_choose_device(settings, device))


def _refuse_others(context: typer.Context) -> None:
    """Beside --resume nothing else counts, so nobody may believe that it did."""
    sources = {name: context.get_parameter_source(name) for name in context.params}
    given = {name for name, source in sources.items() if source and source.name == "COMMANDLINE"}
    if others := sorted(given - {"out", "resume"}):
        named = ", ".join(f"--{name.replace('_', '-')}" for name in others)
        raise typer.BadParameter(f"the training goes on as it was told then, without {named}", param_hint="--resume")


def _settings_there(out: Path) -> "TrainingSettings":
    from training.settings import read_settings  # noqa: PLC0415

    try:
        return read_settings(out)
    except FileNotFoundError as error:
        raise typer.BadParameter(f"{error.filename} is not there: nothing says how", param_hint="--resume") from None


def _find_start(init: str) -> Path | None:
    from inference_worker.model.checkpoint import TINY  # noqa: PLC0415

    start = {"tiny": TINY, "none": None}.get(init, Path(init))
    if start and not (start.is_file() or (start / "tokenizer.json").is_file()):
        raise typer.BadParameter(f"{init} is neither a model's folder nor a checkpoint", param_hint="--init")
    return start


def _choose_device(settings: "TrainingSettings", device: Device | None) -> "TrainingSettings":
    import torch  # noqa: PLC0415

    from training.settings import on_gpu  # noqa: PLC0415

    found = torch.cuda.is_available()
    if device is Device.CUDA and not found:
        raise typer.BadParameter("torch finds no GPU here", param_hint="--device")
    return on_gpu(settings) if found and device is not Device.CPU else settings


def _run(settings: "TrainingSettings") -> None:
    from jobs.errors import Unavailable  # noqa: PLC0415
    from training.checkpoint import NoCheckpoint  # noqa: PLC0415
    from training.start import DepthRefused  # noqa: PLC0415
    from training.trainer import train as run  # noqa: PLC0415

    try:
        run(settings)
    except NoCheckpoint as error:
        raise typer.BadParameter(str(error), param_hint="--init") from None
    except DepthRefused as error:
        raise typer.BadParameter(str(error), param_hint="--layers") from None
    except Unavailable as error:
        raise typer.BadParameter(error.sentence, param_hint="--init") from None
