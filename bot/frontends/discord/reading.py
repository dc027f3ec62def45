"""Reading a message: is it meant for us, and what does it say."""

import enum
import re

import discord

from bot.naming import without_name

_CUSTOM_EMOJI = re.compile(r"<a?(:\w+:)\d+>")
_WRITTEN_BY_PEOPLE = {discord.MessageType.default, discord.MessageType.reply}
_STOP = re.compile(r"(please )?(stop|quit) listening( please)?[.!]?", re.IGNORECASE)
_HELP = re.compile(r"/?help( me)?( please)?[.!?]?", re.IGNORECASE)
_START = re.compile(r"(please )?(start|resume) listening( please)?[.!]?", re.IGNORECASE)


class Meant(enum.Enum):
    """For whom a message is."""

    FOR_US = enum.auto()  # it names us, or replies to us
    OPEN = enum.auto()  # it names nobody: for us where we are the ones who are spoken with
    FOR_OTHERS = enum.auto()


def for_whom(message: discord.Message, me: discord.ClientUser) -> Meant:
    """For whom a message is, as far as it says itself."""
    is_from_person = not message.author.bot and message.webhook_id is None and message.type in _WRITTEN_BY_PEOPLE
    if not is_from_person:
        return Meant.FOR_OTHERS
    target = replied_to(message)
    if names_us(message, me) or (target is not None and target.author.id == me.id):
        return Meant.FOR_US
    names_others = bool(message.raw_mentions or message.raw_role_mentions or message.mention_everyone)
    answers_others = target is not None and target.author.id != message.author.id
    return Meant.FOR_OTHERS if names_others or answers_others else Meant.OPEN


def is_our_thread(channel: object, me: discord.ClientUser) -> bool:
    """We opened it, so what is written there is written to us."""
    return isinstance(channel, discord.Thread) and channel.owner_id == me.id


def names_us(message: discord.Message, me: discord.ClientUser) -> bool:
    """By name, or by the role that Discord gave us when we were invited."""
    return any(user.id == me.id for user in message.mentions) or _own_role(message) in message.raw_role_mentions


def is_forward(message: discord.Message) -> bool:
    """It shows a message of elsewhere."""
    return message.reference is not None and message.reference.type is discord.MessageReferenceType.forward


def replied_to(message: discord.Message) -> discord.Message | None:
    """The message that this one replies to, when Discord sent it along."""
    reference = message.reference
    if reference is None or is_forward(message):
        return None
    return reference.resolved if isinstance(reference.resolved, discord.Message) else None


def read_words(message: discord.Message, me: discord.ClientUser) -> str:
    """What it says, without our own name and with the names of others instead of their ids."""
    text = without_name(message.content, f"<@{me.id}>", f"<@!{me.id}>", f"<@&{_own_role(message)}>")
    names: dict[str, str] = {}
    for user in message.mentions:
        names |= dict.fromkeys((f"<@{user.id}>", f"<@!{user.id}>"), f"@{user.display_name}")
    for role in message.role_mentions:
        names[f"<@&{role.id}>"] = f"@{role.name}"
    for channel in message.channel_mentions:
        names[f"<#{channel.id}>"] = f"#{channel.name}"
    for written, name in names.items():
        text = text.replace(written, name)
    return _CUSTOM_EMOJI.sub(r"\1", text).strip()


def says_nothing(message: discord.Message) -> bool:
    """No word and no file: people cannot write that, so it is what Discord shows of a message that we may not read."""
    return not (message.content or message.attachments or message.message_snapshots or message.stickers)


def asks_to_stop(words: str) -> bool:
    """`stop listening`."""
    return _STOP.fullmatch(words) is not None


def asks_to_start(words: str) -> bool:
    """`start listening`."""
    return _START.fullmatch(words) is not None


def asks_for_help(words: str) -> bool:
    """`help`."""
    return _HELP.fullmatch(words) is not None


def _own_role(message: discord.Message) -> int | None:
    role = message.guild.self_role if message.guild else None
    return role.id if role else None
