"""The two sides, each as a process of its own (what containers run), or both on this machine."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import typer

from bot.errors import NoFrontend
from bot.settings import BotSettings
from inference_worker.settings import WorkerSettings
from inference_worker.status import WorkerStatus
from jobs.log import log_to
from jobs.settings import StoreSettings
from threadsight.hub import tell_hub
from threadsight.loading import await_worker
from threadsight.settings import CommandSettings
from threadsight.shared_worker import open_worker
from threadsight.store import open_store
from threadsight.watching import watched


def run_worker() -> None:
    """The model side until SIGTERM or Ctrl-C.

    Raises:
        ThreadsightError: the model or the store is not there.
    """
    from inference_worker.app import run  # noqa: PLC0415 - the other side's container has none of its libraries

    log_to(sys.stderr)
    tell_hub()
    with open_store(CommandSettings.read().home) as store:
        asyncio.run(watched(run(WorkerSettings.read(), store.settings), store.watch()))


def run_bot() -> None:
    """The chat side until SIGTERM or Ctrl-C.

    Raises:
        ThreadsightError: no front end is set up, or the store is not there.
    """
    from bot.app import run  # noqa: PLC0415 - the other side's container has none of its libraries

    log_to(sys.stderr)
    with open_store(CommandSettings.read().home) as store, contextlib.suppress(asyncio.CancelledError):
        asyncio.run(watched(run(BotSettings.read(), store.settings), store.watch()))


def run_both() -> None:
    """Everything on this machine until SIGTERM or Ctrl-C.

    Raises:
        ThreadsightError: a part of it cannot run.
    """
    log_to(sys.stderr)
    home, chat = CommandSettings.read().home, BotSettings.read()
    with open_store(home) as store:
        asyncio.run(store.reach())  # without it the worker would be started again and again
        with open_worker(home) as worker:
            model = await_worker(worker)
            with contextlib.suppress(KeyboardInterrupt, asyncio.CancelledError):
                for name, standing in describe(model, store.settings, chat, home):
                    typer.echo(f"{name:<10} {standing}")
                asyncio.run(watched(_serve_chat(chat, store.settings), worker.watch(), store.watch()))


def describe(model: WorkerStatus, store: StoreSettings, chat: BotSettings, home: Path) -> Iterator[tuple[str, str]]:
    """What runs and what does not."""
    yield "Model", model.sentence
    address = urlsplit(store.required_url())
    yield "Queue", f"embedded Valkey in {home}" if address.scheme == "unix" else f"Redis at {address.hostname}"
    yield "Discord", "its token is set" if chat.discord_token else "off (set DISCORD_TOKEN)"
    yield "Slack", _describe_slack(chat)


def _describe_slack(settings: BotSettings) -> str:
    from bot.frontends.slack import Credentials  # noqa: PLC0415 - as above
    from bot.frontends.slack.errors import SlackHalfSet  # noqa: PLC0415

    if not settings.names_slack:
        return "off (set SLACK_BOT_TOKEN and SLACK_APP_TOKEN)"
    try:
        Credentials.read(settings)
    except SlackHalfSet as error:
        return f"off (set {error.facts['missing']})"
    return "its tokens are set"


async def _serve_chat(chat: BotSettings, store: StoreSettings) -> None:
    from bot.app import run  # noqa: PLC0415 - as above

    try:
        await run(chat, store)
    except NoFrontend as error:
        typer.echo(f"{error.sentence.splitlines()[0]} Ctrl-C ends.")
        stopping = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
        await stopping.wait()
