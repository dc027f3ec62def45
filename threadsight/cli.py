"""The `threadsight` command. Every command imports what it needs when it runs, so that `--help` is there at once."""

import importlib.metadata
import io
import os
import re
import sys
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from jobs import JobKind, Sampling

LONGEST_SLACK_NAME = 35  # https://docs.slack.dev/reference/app-manifest, display_information.name
EPILOG = (
    "Exit status: 0 answered (doctor: nothing fails); 1 not answered (doctor: something fails); 2 wrong usage; "
    "65 refused: no picture, or nothing asked; 66 no such file; 69 Redis is away; 75 try again later: the queue is "
    "full, or nobody got to it; 78 not set up: the model, the worker or a setting; 130 Ctrl-C."
)

app = typer.Typer(
    help="Ask about pictures, here and in your chat: everything runs on this machine.",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
FollowUp = Annotated[bool, typer.Option("-f", "--follow-up", help="Continue the last conversation, with its pictures.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
Temperature = Annotated[float | None, typer.Option(min=0.0, help="How freely the answer is drawn; 0: the likeliest.")]
TopP = Annotated[
    float | None, typer.Option(min=0.0, max=1.0, help="Draw from the likeliest words of this probability.")
]
MaxTokens = Annotated[int | None, typer.Option(min=1, help="The longest answer, in tokens.")]
Pictures = Annotated[list[str] | None, typer.Argument(help="Paths, http(s) addresses or - for standard input.")]
Words = Annotated[
    list[str] | None, typer.Argument(help="Paths, http(s) addresses or - for standard input; then the question.")
]
Version = Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True)]


@app.callback(invoke_without_command=True)
def threadsight(*, version: Version = False) -> None:
    """What holds for every command."""
    if version:
        typer.echo(importlib.metadata.version("threadsight"))
        raise typer.Exit


@app.command()
def ask(
    words: Words = None,
    *,
    follow_up: FollowUp = False,
    as_json: AsJson = False,
    temperature: Temperature = None,
    top_p: TopP = None,
    max_tokens: MaxTokens = None,
) -> None:
    """Ask about pictures: `threadsight ask chart.png "Which bar is highest?"`. Without a question: describe them."""
    from jobs import JobKind, Sampling  # noqa: PLC0415 - `--help` is to be there at once; the same below

    sampling = Sampling(temperature=temperature, top_p=top_p, max_new_tokens=max_tokens)
    _ask(JobKind.ASK if words else JobKind.DESCRIBE, words or [], sampling, follow_up=follow_up, as_json=as_json)


@app.command()
def ocr(
    pictures: Pictures = None,
    *,
    follow_up: FollowUp = False,
    as_json: AsJson = False,
    max_tokens: MaxTokens = None,
) -> None:
    """Read the text in pictures."""
    from jobs import JobKind, Sampling  # noqa: PLC0415

    sampling = Sampling(max_new_tokens=max_tokens)
    _ask(JobKind.OCR, pictures or [], sampling, follow_up=follow_up, as_json=as_json)


@app.command()
def compare(
    words: Words = None,
    *,
    follow_up: FollowUp = False,
    as_json: AsJson = False,
    temperature: Temperature = None,
    top_p: TopP = None,
    max_tokens: MaxTokens = None,
) -> None:
    """Compare two pictures or more: `threadsight compare before.png after.png "What has moved?"`."""
    from jobs import JobKind, Sampling  # noqa: PLC0415

    sampling = Sampling(temperature=temperature, top_p=top_p, max_new_tokens=max_tokens)
    _ask(JobKind.COMPARE, words or [], sampling, follow_up=follow_up, as_json=as_json)


@app.command()
def up() -> None:
    """Run every chat platform whose token is set, and a worker, on this machine, until Ctrl-C."""
    from threadsight.sides import run_both  # noqa: PLC0415

    run_both()


@app.command()
def bot() -> None:
    """Run the chat side alone (what its container does)."""
    from threadsight.sides import run_bot  # noqa: PLC0415

    run_bot()


@app.command()
def worker() -> None:
    """Run the model side alone (what its container does)."""
    from threadsight.sides import run_worker  # noqa: PLC0415

    run_worker()


@app.command("discord-invite")
def discord_invite(
    application: Annotated[str, typer.Argument(help="Its id; asked of Discord if left out.")] = "",
) -> None:
    """Print the link that invites the bot into a Discord server, with exactly the permissions it needs."""
    from threadsight.invitation import invite_to_discord  # noqa: PLC0415

    typer.echo(invite_to_discord(application))


def _check_name(name: str) -> str:
    if not 0 < len(name.strip()) <= LONGEST_SLACK_NAME:
        raise typer.BadParameter(f"Slack takes 1 to {LONGEST_SLACK_NAME} characters.")
    return name


def _check_url(url: str | None) -> str | None:
    if url is not None and not re.fullmatch(r"https://[^/?#\s]+(/[^?#\s]*)?", url):
        raise typer.BadParameter("write it like https://sight.example.com")
    return url


@app.command("slack-manifest")
def slack_manifest(
    name: Annotated[str, typer.Option(help="What the bot is called in Slack.", callback=_check_name)] = "Threadsight",
    url: Annotated[
        str | None,
        typer.Option(help="Where Slack reaches the bot over HTTPS, instead of a socket.", callback=_check_url),
    ] = None,
) -> None:
    """Print the manifest of the Slack app, and the link that makes an app of it."""
    from bot.frontends.slack.manifest import build_manifest, link_to_create, write_yaml  # noqa: PLC0415

    manifest = build_manifest(name=name, public_url=url)
    typer.echo(f"# This link makes the app:\n# {link_to_create(manifest)}\n{write_yaml(manifest)}")


@app.command()
def doctor(*, as_json: AsJson = False) -> None:
    """Look at everything that must be right, and say what to do where it is not."""
    from threadsight.doctor.examination import examine  # noqa: PLC0415
    from threadsight.doctor.report import report  # noqa: PLC0415

    raise typer.Exit(report(examine(), as_json=as_json))


def main() -> None:
    """The command that was typed: a plain sentence and an exit status, whatever happens but Ctrl-C."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a letter that the terminal does not know is no reason to end
    try:
        try:
            app()
        except SystemExit:
            if sys.stdout:  # None where the shell has closed it
                sys.stdout.flush()  # what it does not take is told here, and not by Python at its very end
            raise
    except BrokenPipeError:  # whoever reads has had enough
        _let_go_of_output()
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 - the one place of this process that catches everything
        from threadsight.ending import tell  # noqa: PLC0415

        code = tell(error)
        _let_go_of_output()
        sys.exit(code)


def _let_go_of_output() -> None:
    """Python writes at its end what is left, and ends with another status where it cannot."""
    try:
        if sys.stdout:
            sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _ask(kind: "JobKind", words: list[str], sampling: "Sampling", *, follow_up: bool, as_json: bool) -> None:
    from bot.errors import AnswerUnwritten  # noqa: PLC0415
    from bot.frontends.shell import Failure, Outcome, Question  # noqa: PLC0415
    from jobs import JobKind  # noqa: PLC0415
    from jobs.errors import ThreadsightError  # noqa: PLC0415
    from threadsight.asking import ask  # noqa: PLC0415
    from threadsight.words import check_pictures, check_subject, read_words  # noqa: PLC0415

    try:
        pictures, text = (check_pictures(words), "") if kind is JobKind.OCR else read_words(words)
        if not follow_up:
            check_subject(pictures)
        question = Question(text=text, kind=kind, sampling=sampling)
        code = ask(question, pictures, follow_up=follow_up, as_json=as_json)
    except ThreadsightError as error:
        if as_json and not isinstance(error, AnswerUnwritten):
            typer.echo(Outcome(answer="", failure=Failure.of(error)).as_json(escaped=True))
        raise
    raise typer.Exit(code)
