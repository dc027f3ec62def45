"""The whole examination, part by part."""

from collections.abc import Iterator
from typing import TypeVar

from bot.settings import BotSettings
from inference_worker.settings import WorkerSettings
from jobs.errors import ThreadsightError
from jobs.settings import Settings, SettingsUnreadable, StoreSettings
from threadsight.doctor.chat import examine_pictures, examine_tokens
from threadsight.doctor.discord import examine_discord
from threadsight.doctor.finding import Finding, fail, well
from threadsight.doctor.machine import examine_disk, examine_torch
from threadsight.doctor.model import examine_model
from threadsight.doctor.slack import examine_slack
from threadsight.doctor.store import examine_store
from threadsight.hub import tell_hub
from threadsight.settings import CommandSettings

S = TypeVar("S", bound=Settings)


def examine() -> Iterator[Finding]:
    """Every finding, as soon as it is known. Reads only; an embedded Valkey is started to look at it."""
    try:
        tell_hub()
    except SettingsUnreadable as error:  # what would be examined stands in it
        yield fail("Settings", error.sentence, "save it as UTF-8, where you may read it")
        return
    wrong: list[Finding] = []
    command = _read(CommandSettings, wrong)
    store = _read(StoreSettings, wrong)
    worker = _read(WorkerSettings, wrong)
    bot = _read(BotSettings, wrong)
    yield from wrong or [well("Settings", "every name and value is known")]
    if command is not None and store is not None:
        yield from examine_store(store.redis_url, command.home)
    if worker is not None:
        yield from examine_torch(worker)
        yield from examine_model(worker)
    yield from examine_tokens()
    if bot is not None:
        yield from examine_discord(bot)
        yield from examine_slack(bot, command.slack_config_token.get_secret_value() if command is not None else "")
    yield from examine_pictures()
    if command is not None:
        yield from examine_disk(command.home)


def _read(kind: type[S], wrong: list[Finding]) -> S | None:
    try:
        return kind.read()
    except ThreadsightError as error:
        wrong.append(fail("Settings", error.sentence, "correct it in the environment or in .env"))
        return None
