"""Answers to interactions: within three seconds, once, and with their token for fifteen minutes."""

import time

from tests.bot.frontends.discord.fake.refusals import (
    already_answered,
    invalid_token,
    unknown_interaction,
    unknown_message,
    unknown_webhook,
    wrong_form,
)
from tests.bot.frontends.discord.fake.rest import apply, check_form, compose, remove
from tests.bot.frontends.discord.fake.server import FakeDiscord, route
from tests.bot.frontends.discord.fake.world import COMMAND, File, Interaction, Message, Payload, User

_MESSAGE, _THINKING, _LATER, _EDIT, _FORM = 4, 5, 6, 7, 9
_PATIENCE_S = 3.0
_EPHEMERAL = 1 << 6
_ALLOWED = {
    2: {_MESSAGE, _THINKING, _FORM},
    3: {_MESSAGE, _THINKING, _LATER, _EDIT, _FORM},
    5: {_MESSAGE, _THINKING, _LATER},
}


@route("POST", "/interactions/{id}/{token}/callback")
def answer(discord: FakeDiscord, names: dict[str, str], body: Payload, files: list[File]) -> Payload | None:
    interaction = discord.interactions.get(int(names["id"]))
    if interaction is None or interaction.token != names["token"]:
        raise unknown_interaction()
    if interaction.answered_at is not None:
        raise already_answered()
    if time.time() - interaction.began_at > _PATIENCE_S:
        raise unknown_interaction()
    kind, said = body["type"], body.get("data") or {}
    if kind not in _ALLOWED[interaction.kind]:
        raise wrong_form("type")
    _DEEDS[kind](discord, interaction, said, files)
    interaction.answered_at = time.time()
    resource: Payload = {"interaction": {"id": str(interaction.id), "type": interaction.kind}}
    if interaction.original is not None:
        resource["interaction"]["response_message_id"] = str(interaction.original.id)
        if kind in {_MESSAGE, _THINKING, _EDIT}:
            resource["resource"] = {"type": kind, "message": interaction.original.payload(discord.base)}
    return resource


def _say(discord: FakeDiscord, interaction: Interaction, said: Payload, files: list[File]) -> None:
    check_form(said, files, creates=True)
    message = compose(discord, interaction.channel, said, files, seen_by=_audience(interaction, said))
    interaction.original = discord.keep(message)


def _think(discord: FakeDiscord, interaction: Interaction, said: Payload, _: list[File]) -> None:
    seen_by = _audience(interaction, said)
    flags = 1 << 7 | (_EPHEMERAL if seen_by else 0)
    thinking = Message(interaction.channel, discord.bot, kind=COMMAND, flags=flags, waits=True, seen_by=seen_by)
    interaction.original = discord.keep(thinking)


def _take_time(_: FakeDiscord, interaction: Interaction, __: Payload, ___: list[File]) -> None:
    interaction.original = interaction.message


def _change(discord: FakeDiscord, interaction: Interaction, said: Payload, files: list[File]) -> None:
    assert interaction.message is not None
    check_form(said, files, creates=False)
    apply(discord, interaction.message, said, files)
    interaction.original = interaction.message


def _show_form(_: FakeDiscord, interaction: Interaction, said: Payload, __: list[File]) -> None:
    interaction.form = said


_DEEDS = {_MESSAGE: _say, _THINKING: _think, _LATER: _take_time, _EDIT: _change, _FORM: _show_form}


def _audience(interaction: Interaction, said: Payload) -> User | None:
    return interaction.user if said.get("flags", 0) & _EPHEMERAL else None


def by_token(discord: FakeDiscord, token: str) -> Interaction:
    """The interaction that a token belongs to.

    Raises:
        Refusal
    """
    found = next((one for one in discord.interactions.values() if one.token == token), None)
    if found is None or found.answered_at is None:
        raise unknown_webhook()
    if time.time() - found.began_at > discord.token_lives_s:
        raise invalid_token()
    return found


def of_interaction(interaction: Interaction, name: str) -> Message:
    """A message that was sent with this token.

    Raises:
        Refusal
    """
    if name == "@original" and interaction.original is not None:
        return interaction.original
    for message in (interaction.original, *interaction.follow_ups):
        if message is not None and str(message.id) == name and not message.deleted:
            return message
    raise unknown_message()


@route("POST", "/webhooks/{application}/{token}", 5, 2.0)
def follow_up(discord: FakeDiscord, names: dict[str, str], body: Payload, files: list[File]) -> Payload:
    interaction = by_token(discord, names["token"])
    check_form(body, files, creates=True)
    if interaction.original is not None and interaction.original.waits:  # it takes the place of "thinking ..."
        apply(discord, interaction.original, body, files)
        return interaction.original.payload(discord.base)
    seen_by = _audience(interaction, body)
    message = discord.keep(compose(discord, interaction.channel, body, files, seen_by=seen_by))
    interaction.follow_ups.append(message)
    return message.payload(discord.base)


@route("PATCH", "/webhooks/{application}/{token}/messages/{message}", 5, 2.0)
def edit_answer(discord: FakeDiscord, names: dict[str, str], body: Payload, files: list[File]) -> Payload:
    message = of_interaction(by_token(discord, names["token"]), names["message"])
    check_form(body, files, creates=False)
    apply(discord, message, body, files)
    return message.payload(discord.base)


@route("DELETE", "/webhooks/{application}/{token}/messages/{message}", 5, 2.0)
def delete_answer(discord: FakeDiscord, names: dict[str, str], _: Payload, __: list[File]) -> None:
    remove(discord, of_interaction(by_token(discord, names["token"]), names["message"]))
