"""Commands, menus and buttons ask too: what they have in common."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

import discord
import structlog

from bot.frontends.discord.errors import in_words
from bot.frontends.discord.place import Place, Standing, conversation_of, is_private, token_of
from bot.mention import Mention
from jobs import ConversationId, JobKind, PictureRef

if TYPE_CHECKING:
    from bot.frontends.discord.client import Gateway

Interaction: TypeAlias = "discord.Interaction[Gateway]"

_UNKNOWN_INTERACTION = 10062  # Discord's error code: it was not acknowledged in time

log = structlog.get_logger()


def conversation_here(interaction: Interaction, *, alone: bool = False) -> ConversationId:
    """The thread's or the DM's; elsewhere, or `alone`, a conversation of the interaction's own."""
    channel = interaction.channel
    assert interaction.channel_id is not None
    parent = channel.parent_id if isinstance(channel, discord.Thread) else None
    if alone and interaction.guild_id is not None:
        where = parent or interaction.channel_id
        return conversation_of(guild=interaction.guild_id, channel=where, parent=None, root=interaction.id)
    return conversation_of(
        guild=interaction.guild_id, channel=interaction.channel_id, parent=parent, root=interaction.id
    )


def is_conversation(interaction: Interaction) -> bool:
    """Whether it was used where a conversation goes on: in a thread or a DM."""
    return interaction.guild_id is None or isinstance(interaction.channel, discord.Thread)


async def defer(interaction: Interaction, *, private: bool) -> Place:
    """Acknowledge at once, before anything else: Discord waits for three seconds. Where the answer goes."""
    response = await interaction.response.defer(thinking=True, ephemeral=private)
    assert interaction.channel_id is not None
    standing: tuple[str, ...] = ()
    if response is not None and response.message_id is not None:
        standing = (str(Standing(interaction.channel_id, response.message_id)),)
    return Place(
        channel=interaction.channel_id,
        asker=interaction.user.id,
        token=token_of(interaction, ephemeral=private),
        standing=standing,
        in_private=is_private(interaction.channel),
    )


def mention_of(
    interaction: Interaction,
    place: Place,
    *,
    conversation: ConversationId,
    kind: JobKind,
    text: str = "",
    references: Sequence[PictureRef] = (),
) -> Mention:
    """A question that an interaction asks."""
    return Mention(
        conversation=conversation,
        source=str(interaction.id),
        asker=str(interaction.user.id),
        kind=kind,
        text=text,
        references=tuple(references),
        reply_to=place.encode(),
        roles=roles_of(interaction),
    )


def roles_of(interaction: Interaction) -> frozenset[str]:
    """For admission."""
    return frozenset(str(role.id) for role in getattr(interaction.user, "roles", ()))


def is_moderator(interaction: Interaction) -> bool:
    """Whoever may delete the messages of others there."""
    return interaction.guild_id is not None and interaction.permissions.manage_messages


@asynccontextmanager
async def failures_told(interaction: Interaction) -> AsyncIterator[None]:
    """For what discord.py calls outside its command tree: see `tell`."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - whatever it is, whoever used it is told
        await tell(interaction, error)


async def tell(interaction: "discord.Interaction[Any]", error: Exception) -> None:
    """What went wrong, to whoever used it. It raises nothing: where nobody can be told any more, the log says it."""
    if isinstance(error, discord.NotFound) and error.code == _UNKNOWN_INTERACTION:
        log.warning("interaction not acknowledged in time", interaction=interaction.id)  # nobody's bug
        return
    try:
        await whisper(interaction, in_words(error).sentence)
    except Exception:
        log.exception("failure not told", interaction=interaction.id)


async def whisper(interaction: Interaction, text: str) -> None:
    """Something that only whoever used it sees."""
    if interaction.response.is_done():
        await interaction.followup.send(text, ephemeral=True)
    else:
        await interaction.response.send_message(text, ephemeral=True)
