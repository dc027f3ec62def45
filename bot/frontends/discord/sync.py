"""The commands as Discord has them, brought up to date: only what differs is written."""

from typing import Any

import structlog

from bot.errors import NotPosted
from bot.frontends.discord.errors import PostRefused
from bot.frontends.discord.pace import Urgency
from bot.frontends.discord.rest import Rest

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


async def sync_commands(rest: Rest, wanted: list[_Command]) -> None:
    """Make Discord's commands the wanted ones. Where that fails, those of before stay; the log says why."""
    try:
        await _sync(_Commands(rest), wanted)
    except (PostRefused, NotPosted) as error:
        log.warning("commands not synced", error=error.sentence)


async def _sync(commands: "_Commands", wanted: list[_Command]) -> None:
    existing = {_key(command): command for command in await commands.fetch()}
    if not existing:
        await commands.put_all(wanted)
        log.info("commands synced", written=len(wanted))
        return
    changed = [command for command in wanted if _said(command) != _said(existing.get(_key(command), {}))]
    surplus = [existing[key] for key in existing.keys() - {_key(command) for command in wanted}]
    for command in surplus:
        await commands.delete(int(command["id"]))
    for command in changed:
        await commands.put(command)
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


class _Commands:
    """The list that Discord keeps."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    async def fetch(self) -> list[_Command]:
        return list(await self._call("get_global_commands"))

    async def put_all(self, commands: list[_Command]) -> None:
        await self._call("bulk_upsert_global_commands", commands)

    async def put(self, command: _Command) -> None:
        await self._call("upsert_global_command", command)

    async def delete(self, command: int) -> None:
        await self._call("delete_global_command", command)

    async def _call(self, name: str, *arguments: object) -> Any:
        """Raises: PostRefused, NotPosted."""
        # The application is known only once the call has had its turn: that logs in.
        return await self._rest.paced(
            Urgency.LATER, lambda: getattr(self._rest.http, name)(self._rest.application, *arguments), doing=""
        )
