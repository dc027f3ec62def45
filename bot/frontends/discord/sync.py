"""The commands as Discord has them, brought up to date: only what differs is written."""

from typing import Any

import structlog

from bot.errors import NotPosted
from bot.frontends.discord.api import Api
from bot.frontends.discord.errors import PostRefused

log = structlog.get_logger()

_Command = dict[str, Any]

# What counts of a command, with what Discord means when it says nothing.
_SAID: _Command = {
    "type": 1,
    "name": "",
    "description": "",
    "nsfw": False,
    "default_member_permissions": None,
    "contexts": None,
    "integration_types": [0],
}
_SAID_OF_OPTION: _Command = {
    "type": 3,
    "name": "",
    "description": "",
    "required": False,
    "min_length": None,
    "max_length": None,
    "autocomplete": False,
}


async def sync_commands(api: Api, wanted: list[_Command]) -> None:
    """Make Discord's commands the wanted ones. Where that fails, those of before stay; the log says why."""
    try:
        await _sync(api, wanted)
    except (PostRefused, NotPosted) as error:
        log.warning("commands not synced", error=error.sentence)


async def _sync(api: Api, wanted: list[_Command]) -> None:
    existing = {_key(command): command for command in await api.fetch_commands()}
    if not existing:
        await api.put_all_commands(wanted)
        log.info("commands synced", written=len(wanted))
        return
    changed = [command for command in wanted if _said(command) != _said(existing.get(_key(command), {}))]
    surplus = [existing[key] for key in existing.keys() - {_key(command) for command in wanted}]
    for command in surplus:
        await api.delete_command(int(command["id"]))
    for command in changed:
        await api.put_command(command)
    log.info("commands synced", written=len(changed), deleted=len(surplus))


def _key(command: _Command) -> tuple[int, str]:
    return int(command.get("type") or 1), str(command["name"])


def _said(command: _Command) -> _Command:
    """What a command says, in one way of saying it."""
    said = {name: command.get(name) or default for name, default in _SAID.items()}
    said["contexts"] = sorted(said["contexts"] or ())
    said["integration_types"] = sorted(said["integration_types"])
    said["options"] = [_said_of_option(option) for option in command.get("options") or ()]
    return said


def _said_of_option(option: _Command) -> _Command:
    said = {name: option.get(name) or default for name, default in _SAID_OF_OPTION.items()}
    said["choices"] = [(choice["name"], choice["value"]) for choice in option.get("choices") or ()]
    return said
