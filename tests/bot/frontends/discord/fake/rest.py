"""The REST interface: messages, threads, commands, with Discord's own rules."""

import time
from typing import Any

from tests.bot.frontends.discord.fake.gateway import DIRECT_MESSAGES, GUILD_MESSAGES
from tests.bot.frontends.discord.fake.refusals import (
    Refusal,
    archived,
    empty,
    has_thread,
    missing_permissions,
    no_history,
    not_ours,
    wrong_form,
)
from tests.bot.frontends.discord.fake.server import FakeDiscord, route
from tests.bot.frontends.discord.fake.world import (
    PUBLIC_THREAD,
    REPLY,
    Channel,
    File,
    Message,
    Payload,
    User,
    bits,
    snowflake,
)

_MOST_CHARACTERS = 2_000


def check_form(body: Payload, files: list[File], *, creates: bool) -> None:
    """What Discord takes as a message.

    Raises:
        Refusal
    """
    content = body.get("content") or ""
    if len(content) > _MOST_CHARACTERS:
        raise wrong_form("content: Must be 2000 or fewer in length.")
    if creates and not (content.strip() or files or body.get("embeds")):
        raise empty()
    if len(body.get("nonce") or "") > 25:
        raise wrong_form("nonce: Must be 25 or fewer in length.")
    ids = [child["custom_id"] for row in body.get("components") or () for child in row["components"]]
    if len(ids) != len(set(ids)) or any(not 1 <= len(name) <= 100 for name in ids):
        raise wrong_form("components: custom_id")
    if any(len(row["components"]) > 5 for row in body.get("components") or ()):
        raise wrong_form("components: too many in a row")


def apply(discord: FakeDiscord, message: Message, body: Payload, files: list[File]) -> None:
    """An edit."""
    message.history.append(message.content)
    message.content = (body["content"] or "").strip() if "content" in body else message.content
    message.components = body.get("components") or [] if "components" in body else message.components
    message.embeds = body.get("embeds") or [] if "embeds" in body else message.embeds
    if "attachments" in body:
        kept = {str(entry["id"]) for entry in body["attachments"]}
        message.files = [file for file in message.files if str(file.id) in kept] + files
    message.waits = False
    message.edited_at = time.time()
    discord.tell_message("MESSAGE_UPDATE", message)


def compose(discord: FakeDiscord, channel: Channel, body: Payload, files: list[File], **others: Any) -> Message:
    """A new message of the bot's. Whoever is named in it is notified, unless it says that nobody is to be."""
    content = (body.get("content") or "").strip()
    names_somebody = "@everyone" in content or any(user.mention in content for user in discord.users.values())
    allowed = body.get("allowed_mentions", {"parse": ["users", "roles", "everyone"]})
    return Message(
        channel,
        discord.bot,
        content,
        files,
        flags=body.get("flags") or 0,
        components=body.get("components") or [],
        embeds=body.get("embeds") or [],
        nonce=body.get("nonce"),
        pings=names_somebody and bool(allowed.get("parse")),
        **others,
    )


# ---------------------------------------------------------------- who we are


@route("GET", "/users/@me")
def read_me(discord: FakeDiscord, _: dict[str, str], __: Payload, ___: list[File]) -> Payload:
    return {**discord.bot.payload(), "verified": True, "mfa_enabled": False}


@route("GET", "/users/@me/guilds")
def read_guilds(discord: FakeDiscord, _: dict[str, str], __: Payload, ___: list[File]) -> list[Payload]:
    members = ((guild, guild.members[discord.bot.id]) for guild in discord.guilds.values())
    return [{"id": str(guild.id), "name": guild.name, "permissions": bits(granted)} for guild, granted in members]


@route("GET", "/oauth2/applications/@me")
def read_application(discord: FakeDiscord, _: dict[str, str], __: Payload, ___: list[File]) -> Payload:
    limited = 1 << 19 if discord.gateway.allowed_intents else 0
    return {
        "id": str(discord.bot.id),
        "name": "sight",
        "description": "",
        "summary": "",
        "icon": None,
        "bot_public": True,
        "bot_require_code_grant": False,
        "verify_key": "",
        "flags": limited,
        "owner": User("owner").payload(),
        "team": None,
    }


# ---------------------------------------------------------------- messages


@route("POST", "/channels/{channel}/messages", 5, 5.0)
def post(discord: FakeDiscord, names: dict[str, str], body: Payload, files: list[File]) -> Payload:
    channel = discord.channels.get(int(names["channel"]))
    in_thread = channel is not None and channel.parent is not None
    channel = discord.own_channel(names["channel"], "send_messages_in_threads" if in_thread else "send_messages")
    check_form(body, files, creates=True)
    granted = discord.permissions(discord.bot, channel)
    if files and "attach_files" not in granted:
        raise missing_permissions()
    if channel.locked and "manage_threads" not in granted:
        raise archived()
    nonce = (channel.id, str(body.get("nonce")))
    if body.get("enforce_nonce") and nonce in discord.nonces:
        return discord.messages[discord.nonces[nonce]].payload(discord.base)
    target = None
    if reference := body.get("message_reference"):
        if "read_message_history" not in granted:
            raise no_history()
        target = discord.messages.get(int(reference["message_id"]))
        if (target is None or target.deleted) and reference.get("fail_if_not_exists", True):
            raise wrong_form("message_reference: Unknown message")
    channel.archived = False
    message = compose(discord, channel, body, files, target=target, kind=REPLY if target else 0)
    if body.get("enforce_nonce"):
        discord.nonces[nonce] = message.id
    return discord.keep(message).payload(discord.base)


@route("PATCH", "/channels/{channel}/messages/{message}", 5, 5.0)
def edit(discord: FakeDiscord, names: dict[str, str], body: Payload, files: list[File]) -> Payload:
    channel = discord.own_channel(names["channel"])
    message = discord.standing(channel, names["message"])
    if message.author is not discord.bot:
        raise not_ours()
    if channel.archived:
        raise archived()
    check_form(body, files, creates=False)
    if files and "attach_files" not in discord.permissions(discord.bot, channel):
        raise missing_permissions()
    apply(discord, message, body, files)
    return message.payload(discord.base)


@route("DELETE", "/channels/{channel}/messages/{message}")
def delete(discord: FakeDiscord, names: dict[str, str], _: Payload, __: list[File]) -> None:
    channel = discord.own_channel(names["channel"])
    message = discord.standing(channel, names["message"])
    if message.author is not discord.bot:
        raise missing_permissions()
    remove(discord, message)


def remove(discord: FakeDiscord, message: Message) -> None:
    """It stands there no more."""
    message.deleted = True
    payload = {"id": str(message.id), "channel_id": str(message.channel.id)}
    guild = message.channel.guild
    if guild is not None:
        payload["guild_id"] = str(guild.id)
    discord.tell("MESSAGE_DELETE", payload, GUILD_MESSAGES if guild else DIRECT_MESSAGES)


@route("GET", "/channels/{channel}/messages/{message}")
def read(discord: FakeDiscord, names: dict[str, str], _: Payload, __: list[File]) -> Payload:
    channel = discord.own_channel(names["channel"], "read_message_history")
    return discord.standing(channel, names["message"]).payload(discord.base)


@route("GET", "/channels/{channel}/messages", 5, 5.0)
def read_history(discord: FakeDiscord, names: dict[str, str], body: Payload, _: list[File]) -> list[Payload]:
    channel = discord.own_channel(names["channel"], "read_message_history")
    after = int(body["_query"].get("after", 0))
    found = [message for message in channel.written if message.id > after][: int(body["_query"].get("limit", 50))]
    return [message.payload(discord.base) for message in reversed(found)]


@route("POST", "/attachments/refresh-urls")
def refresh(discord: FakeDiscord, _: dict[str, str], body: Payload, __: list[File]) -> Payload:
    refreshed = []
    for address in body["attachment_urls"]:
        channel, file_id = address.split("/attachments/")[1].split("/")[:2]
        file, _channel = discord.files[int(file_id)]
        file.lives_s = 86_400.0
        refreshed.append({"original": address, "refreshed": file.payload(discord.base, int(channel))["url"]})
    return {"refreshed_urls": refreshed}


# ---------------------------------------------------------------- channels


@route("POST", "/channels/{channel}/messages/{message}/threads", 50, 300.0)
def open_thread(discord: FakeDiscord, names: dict[str, str], body: Payload, _: list[File]) -> Payload:
    channel = discord.own_channel(names["channel"], "create_public_threads")
    message = discord.standing(channel, names["message"])
    if message.thread is not None:
        raise has_thread()
    if not 1 <= len(body["name"]) <= 100:
        raise wrong_form("name")
    assert channel.guild is not None
    message.thread = discord.add_channel(
        channel.guild, body["name"], kind=PUBLIC_THREAD, parent=channel, owner=discord.bot, id=message.id
    )
    discord.tell_message("MESSAGE_UPDATE", message)
    return message.thread.payload()


@route("PATCH", "/channels/{channel}")
def change_channel(discord: FakeDiscord, names: dict[str, str], body: Payload, _: list[File]) -> Payload:
    channel = discord.own_channel(names["channel"])
    if channel.locked and "manage_threads" not in discord.permissions(discord.bot, channel):
        raise missing_permissions()
    channel.archived = body.get("archived", channel.archived)
    return channel.payload()


@route("GET", "/channels/{channel}")
def read_channel(discord: FakeDiscord, names: dict[str, str], _: Payload, __: list[File]) -> Payload:
    return discord.own_channel(names["channel"]).payload()


@route("POST", "/channels/{channel}/typing", 5, 5.0)
def show_typing(discord: FakeDiscord, names: dict[str, str], _: Payload, __: list[File]) -> None:
    discord.typing.append(discord.own_channel(names["channel"]).id)


@route("POST", "/users/@me/channels")
def open_direct(discord: FakeDiscord, _: dict[str, str], body: Payload, __: list[File]) -> Payload:
    return discord.direct(discord.users[int(body["recipient_id"])]).payload()


# ---------------------------------------------------------------- commands


@route("GET", "/applications/{application}/commands")
def read_commands(discord: FakeDiscord, _: dict[str, str], __: Payload, ___: list[File]) -> list[Payload]:
    return list(discord.commands.values())


@route("PUT", "/applications/{application}/commands", 2, 60.0)
def put_commands(discord: FakeDiscord, _: dict[str, str], body: Payload, __: list[File]) -> list[Payload]:
    discord.commands.clear()
    for command in body["list"]:
        keep_command(discord, command)
    return list(discord.commands.values())


@route("POST", "/applications/{application}/commands", 5, 20.0)
def put_command(discord: FakeDiscord, _: dict[str, str], body: Payload, __: list[File]) -> Payload:
    return keep_command(discord, body)


def keep_command(discord: FakeDiscord, command: Payload) -> Payload:
    """As Discord gives it back: with everything that it fills in, and without what it takes for granted."""
    key = (command.get("type", 1), command["name"])
    is_menu = key[0] != 1
    if not 1 <= len(command["name"]) <= 32 or (not is_menu and not 1 <= len(command["description"]) <= 100):
        raise wrong_form("name or description")
    known = discord.commands.get(key)
    options = [{name: value for name, value in option.items() if value} for option in command.get("options", [])]
    discord.commands[key] = {
        **{name: value for name, value in command.items() if not name.startswith("_")},
        "id": known["id"] if known else str(snowflake()),
        "application_id": str(discord.bot.id),
        "version": str(snowflake()),
        "description": command.get("description", ""),
        "name_localizations": None,
        **({"options": options} if options else {}),
    }
    if not options:
        discord.commands[key].pop("options", None)
    return discord.commands[key]


@route("DELETE", "/applications/{application}/commands/{command}")
def delete_command(discord: FakeDiscord, names: dict[str, str], _: Payload, __: list[File]) -> None:
    for key, command in list(discord.commands.items()):
        if command["id"] == names["command"]:
            del discord.commands[key]
            return
    raise Refusal(404, 10063, "Unknown application command")
