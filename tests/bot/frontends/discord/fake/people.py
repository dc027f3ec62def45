"""What people do on Discord: they write, edit, delete, and use what the bot offers."""

import re
import time
from collections.abc import Sequence
from typing import Any

from tests.bot.frontends.discord.fake.gateway import GUILD_MESSAGES, GUILDS
from tests.bot.frontends.discord.fake.rest import remove
from tests.bot.frontends.discord.fake.server import FakeDiscord
from tests.bot.frontends.discord.fake.world import (
    FORUM,
    PUBLIC_THREAD,
    REPLY,
    Channel,
    File,
    Guild,
    Interaction,
    Message,
    Payload,
    User,
    bits,
)

_MENTION = re.compile(r"<@!?(\d+)>")
_ROLE = re.compile(r"<@&(\d+)>")
_TYPES = {"text": 3, "bool": 5, "file": 11}


def write(
    discord: FakeDiscord,
    user: User,
    channel: Channel,
    text: str = "",
    files: Sequence[File] = (),
    *,
    target: Message | None = None,
    forwarded: Message | None = None,
) -> Message:
    message = Message(channel, user, text, list(files), target=target, forwarded=forwarded, kind=REPLY if target else 0)
    _name(discord, message)
    channel.archived = False
    return discord.keep(message)


def edit(discord: FakeDiscord, message: Message, text: str) -> None:
    message.content = text
    message.edited_at = time.time()
    _name(discord, message)
    discord.tell_message("MESSAGE_UPDATE", message)


def take_out(discord: FakeDiscord, message: Message, file: File) -> None:
    """Remove one file of a message; the message stays."""
    message.files.remove(file)
    edit(discord, message, message.content)


def delete(discord: FakeDiscord, message: Message) -> None:
    remove(discord, message)


def delete_many(discord: FakeDiscord, messages: Sequence[Message]) -> None:
    channel = messages[0].channel
    assert channel.guild is not None
    for message in messages:
        message.deleted = True
    payload = {
        "ids": [str(message.id) for message in messages],
        "channel_id": str(channel.id),
        "guild_id": str(channel.guild.id),
    }
    discord.tell("MESSAGE_DELETE_BULK", payload, GUILD_MESSAGES)


def delete_channel(discord: FakeDiscord, channel: Channel) -> None:
    channel.deleted = True
    assert channel.guild is not None
    channel.guild.channels.remove(channel)
    discord.tell("THREAD_DELETE" if channel.parent else "CHANNEL_DELETE", channel.payload(), GUILDS)


def remove_bot(discord: FakeDiscord, guild: Guild) -> None:
    discord.tell("GUILD_DELETE", {"id": str(guild.id)}, GUILDS)


def open_thread(discord: FakeDiscord, user: User, message: Message, name: str = "talk") -> Channel:
    assert message.channel.guild is not None
    message.thread = discord.add_channel(
        message.channel.guild, name, kind=PUBLIC_THREAD, parent=message.channel, owner=user, id=message.id
    )
    return message.thread


def open_forum_post(discord: FakeDiscord, user: User, guild: Guild, text: str, files: Sequence[File] = ()) -> Channel:
    forum = discord.add_channel(guild, "forum", kind=FORUM)
    post = discord.add_channel(guild, "post", kind=PUBLIC_THREAD, parent=forum, owner=user)
    discord.keep(Message(post, user, text, list(files), id=post.id))
    return post


def archive(discord: FakeDiscord, thread: Channel, *, locked: bool = False) -> None:
    thread.archived, thread.locked = True, locked
    discord.tell("THREAD_UPDATE", thread.payload(), GUILDS)


def command(discord: FakeDiscord, user: User, channel: Channel, name: str, **options: Any) -> Interaction:
    known = discord.commands[1, name]
    spoken = {option["name"]: option for option in known.get("options", ())}
    assert options.keys() <= spoken.keys(), f"/{name} has {list(spoken)}"
    assert all(option in options for option, spec in spoken.items() if spec.get("required")), f"/{name} needs more"
    uploads: dict[str, Payload] = {}
    given = []
    for option, value in options.items():
        if isinstance(value, File):
            discord.files[value.id] = (value, channel.id)
            uploads[str(value.id)] = value.payload(discord.base, channel.id)
            given.append({"name": option, "type": _TYPES["file"], "value": str(value.id)})
        else:
            kind = _TYPES["bool"] if isinstance(value, bool) else _TYPES["text"]
            given.append({"name": option, "type": kind, "value": value})
    data = {"id": known["id"], "name": name, "type": 1, "options": given, "resolved": {"attachments": uploads}}
    return _use(discord, Interaction(user, channel, 2, data, name))


def menu(discord: FakeDiscord, user: User, name: str, target: Message) -> Interaction:
    known = discord.commands[3, name]
    resolved = {"messages": {str(target.id): target.payload(discord.base)}}
    data = {"id": known["id"], "name": name, "type": 3, "target_id": str(target.id), "resolved": resolved}
    return _use(discord, Interaction(user, target.channel, 2, data, name))


def press(discord: FakeDiscord, user: User, message: Message, label: str) -> Interaction:
    assert message.seen_by in {None, user}, "they do not see it"
    data = {"custom_id": message.buttons[label], "component_type": 2}
    return _use(discord, Interaction(user, message.channel, 3, data, label, message))


def choose(discord: FakeDiscord, user: User, message: Message, label: str, value: str) -> Interaction:
    data = {"custom_id": message.buttons[label], "component_type": 3, "values": [value]}
    return _use(discord, Interaction(user, message.channel, 3, data, label, message))


def submit(discord: FakeDiscord, interaction: Interaction, text: str) -> Interaction:
    """The form's only field."""
    form = interaction.form
    assert form is not None, "there is no form"
    field = form["components"][0]["components"][0]
    assert len(text) <= field["max_length"]
    row = {"type": 1, "components": [{"type": 4, "custom_id": field["custom_id"], "value": text}]}
    data = {"custom_id": form["custom_id"], "components": [row]}
    return _use(discord, Interaction(interaction.user, interaction.channel, 5, data, form["title"]))


def _use(discord: FakeDiscord, interaction: Interaction) -> Interaction:
    discord.interactions[interaction.id] = interaction
    channel, guild = interaction.channel, interaction.channel.guild
    payload: Payload = {
        "id": str(interaction.id),
        "application_id": str(discord.bot.id),
        "type": interaction.kind,
        "data": interaction.data,
        "token": interaction.token,
        "version": 1,
        "channel_id": str(channel.id),
        "channel": {**channel.payload(), "permissions": "0"},
        "app_permissions": bits(discord.permissions(discord.bot, channel)),
        "locale": "en-US",
        "entitlements": [],
        "attachment_size_limit": 10 * 1024**2,
        "authorizing_integration_owners": {},
        "context": 0 if guild else 1,
    }
    if guild is None:
        payload["user"] = interaction.user.payload()
    else:
        granted = bits(discord.permissions(interaction.user, channel))
        payload |= {"guild_id": str(guild.id), "member": {**guild.member(interaction.user), "permissions": granted}}
    if interaction.message is not None:
        payload["message"] = interaction.message.payload(discord.base)
    discord.tell("INTERACTION_CREATE", payload, 0)
    return interaction


def _name(discord: FakeDiscord, message: Message) -> None:
    """Who is mentioned, whoever is replied to included."""
    named = [discord.users[int(found)] for found in _MENTION.findall(message.content) if int(found) in discord.users]
    if message.target is not None and message.target.author not in named:
        named.append(message.target.author)
    message.mentions = named
    message.roles = [int(found) for found in _ROLE.findall(message.content)]
