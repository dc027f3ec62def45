"""`python -m training`: draw dialogues, train on them, evaluate, export. Torch is imported by those that need it."""

import math
import os
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from training.paper import Which, draw_paper
from training.records import RecordsUnreadable, read_records, write_records
from training.sitting import train

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
)
screen = Console()
progress_screen = Console(stderr=True)


@app.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    *,
    smoke: Annotated[
        bool, typer.Option("--smoke", help="Train a little, export and evaluate: under three minutes.")
    ] = False,
) -> None:
    """The built-in model: its drawn world, its training and its examination."""
    # Before torch is there: its threads must not spin while they wait for one that has lost its core.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # Steps come in thousands of shapes: with oneDNN's own 1,024 kernels an eighth of a sitting went into making them anew.
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "3000")
    if smoke:
        from training.smoke import NothingLearnt, try_everything  # noqa: PLC0415 - torch takes seconds; the same below

        with tempfile.TemporaryDirectory(prefix="threadsight-training-") as folder:
            try:
                typer.echo(try_everything(Path(folder), tell=typer.echo))
            except NothingLearnt as failure:
                typer.echo(str(failure), err=True)
                raise typer.Exit(1) from None
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command()
def draw(
    out: Annotated[Path, typer.Option(file_okay=False, help="A folder for the pictures and dialogues.jsonl.")],
    count: Annotated[int, typer.Option(min=1, help="How many dialogues.")] = 300,
    seed: Annotated[int, typer.Option(help="The same seed draws the same dialogues.")] = 0,
    split: Annotated[Which, typer.Option(help="Words, faces and phrasings: of training, held out, or mixed.")] = (
        Which.HELD_OUT
    ),
) -> None:
    """Draw pictures, and dialogues about them with the true answers."""
    began = time.monotonic()
    turns = pictures = 0
    with _progress() as progress:
        for record in progress.track(
            write_records(draw_paper(seed, count, split), out), total=count, description="Drawing"
        ):
            turns += len(record.turns)
            pictures += len(record.pictures)
    seconds = time.monotonic() - began
    screen.print(f"{count} dialogues, {pictures} pictures, {turns} questions in {out} ({seconds:.1f} s).")


@app.command()
def evaluate(
    data: Annotated[Path, typer.Option(help="A folder with dialogues.jsonl and its pictures.")],
    model: Annotated[str, typer.Option(help="A folder, a hub name, or `tiny`: the shipped weights.")] = "tiny",
    report: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Write a page of all that it gets wrong here.")
    ] = None,
    processes: Annotated[
        int | None,
        typer.Option(min=1, help="Each has the model and answers a share of the dialogues: 2, and 1 on a GPU."),
    ] = None,
) -> None:
    """Score a model on drawn dialogues: a table, then one JSON line."""
    import torch  # noqa: PLC0415

    from training.examination import NoModel, examine  # noqa: PLC0415
    from training.report import write_report  # noqa: PLC0415
    from training.scores import compare, score  # noqa: PLC0415
    from training.table import build_table, to_json  # noqa: PLC0415

    try:
        records = read_records(data)
    except RecordsUnreadable as error:
        raise typer.BadParameter(str(error), param_hint="--data") from None
    began = time.monotonic()
    with _progress() as progress:
        most = 1 if torch.cuda.is_available() else 2  # the first one takes the GPU's whole memory
        examined = examine(records, data, model, processes=processes or most)
        try:
            answers = dict(progress.track(examined, total=len(records), description="Answering"))
        except NoModel as error:
            raise typer.BadParameter(str(error), param_hint="--model") from None
    seconds = time.monotonic() - began
    outcomes = compare(records, [answers[number] for number in range(len(records))])
    scores = score(outcomes)
    screen.print(build_table(scores, title=f"{model} on {data} ({len(records) * 60 / seconds:.0f} dialogues a minute)"))
    if report:
        write_report(outcomes, data, report)
        screen.print(f"What is wrong: {report}")
    typer.echo(to_json(scores, model=model, data=str(data), seconds=round(seconds, 1)))


app.command()(train)


@app.command()
def export(
    run: Annotated[Path, typer.Option(help="The folder of a training.")],
    out: Annotated[Path, typer.Option(file_okay=False, help="A folder for the model, laid out as on the hub.")],
) -> None:
    """Write a trained model so that it can be loaded: WORKER_MODEL names its folder."""
    from training.checkpoint import NoCheckpoint  # noqa: PLC0415
    from training.export import export as write  # noqa: PLC0415
    from training.trainer import CHECKPOINT  # noqa: PLC0415

    if not (run / CHECKPOINT).is_file():
        raise typer.BadParameter(f"{run} holds no training", param_hint="--run")
    try:
        write(run / CHECKPOINT, out)
    except NoCheckpoint as error:
        raise typer.BadParameter(str(error), param_hint="--run") from None
    size_bytes = sum(file.stat().st_size for file in out.iterdir())
    screen.print(f"{out}: {size_bytes / 1e6:.1f} MB")


@app.command()
def average(
    parts: Annotated[
        list[str],
        typer.Argument(help="WEIGHT=STATE, two or more: a checkpoint or a model's folder, and how much it counts."),
    ],
    out: Annotated[Path, typer.Option(file_okay=False, help="A folder for their mean: a checkpoint.")],
) -> None:
    """Write the mean of states of a training, to export or to go on from."""
    from jobs.errors import Unavailable  # noqa: PLC0415
    from training.average import NotAlike  # noqa: PLC0415
    from training.average import average as mean  # noqa: PLC0415
    from training.checkpoint import NoCheckpoint, write_checkpoint  # noqa: PLC0415
    from training.trainer import CHECKPOINT  # noqa: PLC0415

    if (out / CHECKPOINT).exists():
        raise typer.BadParameter(f"{out} holds a training", param_hint="--out")
    try:
        state = mean([_read_part(part) for part in parts])
    except NotAlike as difference:
        raise typer.BadParameter(f"they have other {difference} than each other", param_hint="PARTS") from None
    except NoCheckpoint as error:
        raise typer.BadParameter(str(error), param_hint="PARTS") from None
    except Unavailable as error:
        raise typer.BadParameter(error.sentence, param_hint="PARTS") from None
    out.mkdir(parents=True, exist_ok=True)
    write_checkpoint(out / CHECKPOINT, state)


def _read_part(part: str) -> tuple[float, Path]:
    weight, _, path = part.partition("=")
    try:
        counts = float(weight)
    except ValueError:
        counts = 0.0
    if not (0 < counts < math.inf and Path(path).exists() and path):
        raise typer.BadParameter(f"{part} is no WEIGHT=STATE of something that is there", param_hint="PARTS")
    return counts, Path(path)


@app.command()
def card(
    scores: Annotated[list[str], typer.Option(help="NAME=FILE: what `evaluate` printed; may be given several times.")],
    model: Annotated[Path, typer.Option(help="The folder of the model.")],
    out: Annotated[Path, typer.Option(dir_okay=False, help="The card, a Markdown file.")],
    run: Annotated[list[Path], typer.Option(help="The folder of a training; may be given several times, in order.")],
    *,
    history: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Markdown: what the trainings began with, and why.")
    ] = None,
    curve: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Draw the trainings' curve here (SVG or PNG), beside the card.")
    ] = None,
) -> None:
    """Write the model card, every number from where it was measured."""
    from jobs.errors import Unavailable  # noqa: PLC0415
    from training.card import NotMeasured, write_card  # noqa: PLC0415
    from training.curve import draw_curve, join_curves  # noqa: PLC0415
    from training.trainer import CURVE  # noqa: PLC0415

    curves = [folder / CURVE for folder in run]
    named = {name: Path(file) for name, _, file in (entry.partition("=") for entry in scores)}
    try:
        write_card(
            out,
            model=model,
            scores=named,
            curves=curves,
            history=history.read_text(encoding="utf-8") if history else "",
            drawn=curve.name if curve else None,
        )
    except NotMeasured as error:
        raise typer.BadParameter(str(error), param_hint="--scores, --run") from None
    except Unavailable as error:
        raise typer.BadParameter(error.sentence, param_hint="--model") from None
    if curve:
        draw_curve(join_curves(curves), curve)


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=progress_screen, transient=True)
