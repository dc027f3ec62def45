"""Where things are on Discord: conversations by channel, and where an answer goes (`Job.reply_to`)."""

import time

import discord
import msgspec

from jobs import ConversationId

PLATFORM = "discord"
WHOLE_CHANNEL = "-"  # the thread of a conversation that has its channel to itself: a DM

_TOKEN_LIVES_S = 15 * 60 - 20.0  # Discord: fifteen minutes; a call that is on its way must still arrive


class Standing(msgspec.Struct, frozen=True):
    """One message of ours, as the ledger keeps it: `channel/message`."""

    channel: int
    message: int

    def __str__(self) -> str:
        return f"{self.channel}/{self.message}"

    @classmethod
    def read(cls, text: str) -> "Standing":
        """The inverse of `str`."""
        channel, message = map(int, text.split("/"))
        return cls(channel, message)


class Token(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The right to answer an interaction: for fifteen minutes, without any permission in its channel."""

    application: int
    token: str
    until_s: float  # seconds since 1970
    ephemeral: bool = False  # only the asker sees what it says
    pressed: bool = False  # the interaction is a button under an answer, not a command

    @property
    def lives(self) -> bool:
        """Discord still takes it."""
        return time.time() < self.until_s


class Place(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where the answer to one question goes. It is kept when a question is forgotten, so it holds no words."""

    channel: int  # where the question stands
    asker: int
    message: int | None = None  # the question itself, when it is a message: what a reply refers to
    opens_thread: bool = False  # the answer goes into a thread from that message
    no_thread: tuple[str, ...] = ()  # permissions for want of which it does not
    in_private: bool = False  # a private thread: nothing of it goes into its channel
    token: Token | None = None  # the question is an interaction
    standing: tuple[str, ...] = ()  # messages that an earlier revision left, or the deferred response: taken over
    lacks: tuple[str, ...] = ()  # permissions that we need there and do not have, by discord.py's names

    @property
    def is_ephemeral(self) -> bool:
        """Only the asker sees the answer."""
        return self.token is not None and self.token.ephemeral

    def encode(self) -> str:
        """For `Job.reply_to`."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def read(cls, reply_to: str) -> "Place":
        """The inverse of `encode`."""
        return msgspec.json.decode(reply_to, type=cls)


def is_private(channel: object) -> bool:
    """Whether it is a thread that not everybody sees who sees its channel."""
    return isinstance(channel, discord.Thread) and channel.is_private()


def conversation_of(*, guild: int | None, channel: int, parent: int | None, root: int) -> ConversationId:
    """The conversation that a channel is, or the one that `root` (a message, an interaction) begins in it.

    A thread, which has a `parent`, is one, and so is a DM, which has no `guild`. A DM is a tenant of its own: nobody
    else has a part in it.
    """
    if guild is None:
        return ConversationId(platform=PLATFORM, tenant=f"dm-{channel}", channel=str(channel), thread=WHOLE_CHANNEL)
    if parent is not None:
        return ConversationId(platform=PLATFORM, tenant=str(guild), channel=str(parent), thread=str(channel))
    return ConversationId(platform=PLATFORM, tenant=str(guild), channel=str(channel), thread=str(root))


def is_direct(conversation: ConversationId) -> bool:
    """Whether it is a DM."""
    return conversation.thread == WHOLE_CHANNEL


def tenant_key_of(guild: int) -> str:
    """`Conversation.tenant_key` of a server."""
    return ConversationId(platform=PLATFORM, tenant=str(guild), channel="", thread="").tenant_key


def token_of(interaction: "discord.Interaction[discord.Client]", *, ephemeral: bool, pressed: bool = False) -> Token:
    """What answers this interaction."""
    return Token(
        application=interaction.application_id,
        token=interaction.token,
        until_s=interaction.created_at.timestamp() + _TOKEN_LIVES_S,
        ephemeral=ephemeral,
        pressed=pressed,
    )
