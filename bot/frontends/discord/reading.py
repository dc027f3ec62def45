"""Reading a message: is it meant for us, and what does it say."""

import enum
import re

import discord

_CUSTOM_EMOJI = re.compile(r"<a?(:\w+:)\d+>")
_WRITTEN_BY_PEOPLE = {discord.MessageType.default, discord.MessageType.reply}
_STOP = re.compile(r"(please )?(stop|quit) listening( please)?[.!]?", re.IGNORECASE)
_START = re.compile(r"(please )?(start|resume) listening( please)?[.!]?", re.IGNORECASE)


class Meant(enum.Enum):
    """For whom a message is."""

    FOR_US = enum.auto()  # it names us, answers us, or is a direct message
    PERHAPS = enum.auto()  # it is written in a thread of ours and names nobody
    FOR_OTHERS = enum.auto()


def for_whom(message: discord.Message, me: discord.ClientUser) -> Meant:
    """For whom a message is, as far as it says itself."""
    is_from_person = not message.author.bot and message.webhook_id is None and message.type in _WRITTEN_BY_PEOPLE
    if not is_from_person:
        return Meant.FOR_OTHERS
    if message.guild is None or names_us(message, me) or (answered := answered_author(message)) == me.id:
        return Meant.FOR_US
    is_ours = isinstance(message.channel, discord.Thread) and message.channel.owner_id == me.id
    names_others = bool(message.raw_mentions or message.raw_role_mentions or message.mention_everyone)
    answers_others = answered not in {None, message.author.id}
    return Meant.PERHAPS if is_ours and not names_others and not answers_others else Meant.FOR_OTHERS


def names_us(message: discord.Message, me: discord.ClientUser) -> bool:
    """By name, or by the role that Discord gave us when we were invited."""
    return any(user.id == me.id for user in message.mentions) or _own_role(message) in message.raw_role_mentions


def answered_author(message: discord.Message) -> int | None:
    """Who wrote the message that this one replies to, when Discord says so."""
    target = replied_to(message)
    return target.author.id if target is not None else None


def replied_to(message: discord.Message) -> discord.Message | None:
    """The message that this one replies to, when Discord sent it along."""
    reference = message.reference
    if reference is None or reference.type is discord.MessageReferenceType.forward:
        return None
    return reference.resolved if isinstance(reference.resolved, discord.Message) else None


def read_words(message: discord.Message, me: discord.ClientUser) -> str:
    """What it says, without our own name and with the names of others instead of their ids."""
    names = {f"<@{me.id}>": "", f"<@!{me.id}>": "", f"<@&{_own_role(message)}>": ""}
    for user in message.mentions:
        names.setdefault(f"<@{user.id}>", f"@{user.display_name}")
        names.setdefault(f"<@!{user.id}>", f"@{user.display_name}")
    text = message.content
    for written, name in names.items():
        text = text.replace(written, name)
    return _CUSTOM_EMOJI.sub(r"\1", text).strip()


def asks_to_stop(words: str) -> bool:
    """`stop listening`."""
    return _STOP.fullmatch(words) is not None


def asks_to_start(words: str) -> bool:
    """`start listening`."""
    return _START.fullmatch(words) is not None


def _own_role(message: discord.Message) -> int | None:
    role = message.guild.self_role if message.guild else None
    return role.id if role else None
