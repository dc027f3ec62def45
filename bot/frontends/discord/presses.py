"""Buttons that are pressed: found by what is written on them, so those of an earlier process work as well."""

import re
from typing import Any

import discord
import msgspec
import structlog

from bot.frontends.discord.buttons import TEMPLATE, Button, Ticket, Verb, view_of
from bot.frontends.discord.errors import NothingHere, NotYours
from bot.frontends.discord.interactions import (
    Interaction,
    defer,
    failures_told,
    is_moderator,
    mention_of,
    roles_of,
    whisper,
)
from bot.frontends.discord.layout import lay_out, word
from bot.frontends.discord.permissions import missing_in
from bot.frontends.discord.place import Place, Standing, is_private, token_of
from bot.mention import ANOTHER_DRAW, Mention
from jobs import Conversation, JobKind, Turn
from jobs.errors import QuestionUnknown

_ENDED_ALREADY = "That answer has ended already."

log = structlog.get_logger()


class Press(discord.ui.DynamicItem[discord.ui.Button[Any]], template=TEMPLATE):
    """A button under an answer."""

    def __init__(self, item: discord.ui.Button[Any], verb: Verb, ticket: Ticket) -> None:
        super().__init__(item)
        self._verb = verb
        self._ticket = ticket

    @classmethod
    async def from_custom_id(  # type: ignore[override]  # narrowed to what a Press is made of
        cls, _: Interaction, item: discord.ui.Button[Any], match: re.Match[str], /
    ) -> "Press":
        """What discord.py calls when a button with such an id is pressed."""
        return cls(item, Verb(match["verb"]), Ticket.read(match))

    async def callback(self, interaction: Interaction) -> None:  # type: ignore[override]  # our own client
        """What discord.py calls next."""
        deeds = {
            Verb.STOP: _stop,
            Verb.AGAIN: _regenerate,
            Verb.READ: _read_text,
            Verb.GOOD: _rate,
            Verb.BAD: _rate,
            Verb.SHARE: _share,
        }
        async with failures_told(interaction):
            if str(interaction.user.id) != self._ticket.asker and not is_moderator(interaction):
                raise NotYours
            await deeds[self._verb](interaction, self._verb, self._ticket)


async def _stop(interaction: Interaction, _: Verb, ticket: Ticket) -> None:
    await interaction.response.defer()
    if not await interaction.client.desk.responder.stop(ticket.job(interaction.guild_id)):
        await whisper(interaction, _ENDED_ALREADY)


async def _regenerate(interaction: Interaction, _: Verb, ticket: Ticket) -> None:
    """The same question once more, in the same place."""
    await interaction.response.defer()
    assert interaction.channel_id is not None
    assert interaction.message is not None
    desk = interaction.client.desk
    asked = desk.recent.of_source(ticket.source)
    if asked is not None:
        question = asked.mention
    else:
        conversation = await _conversation(interaction, ticket)
        question = _question(conversation, _turn(conversation, ticket))
    pressed = str(Standing(interaction.channel_id, interaction.message.id))
    place = Place(
        channel=interaction.channel_id,
        asker=int(ticket.asker),
        token=token_of(interaction, ephemeral=interaction.message.flags.ephemeral, pressed=True),
        standing=asked.posted if asked is not None and pressed in asked.posted else (pressed,),
        lacks=missing_in(interaction.channel),
        in_private=is_private(interaction.channel),
    )
    await desk.ask(
        msgspec.structs.replace(
            question,
            conversation=ticket.conversation(interaction.guild_id),
            revision=max(question.revision, ticket.revision) + 1,
            reply_to=place.encode(),
            roles=roles_of(interaction),
            sampling=ANOTHER_DRAW,
        )
    )


async def _read_text(interaction: Interaction, _: Verb, ticket: Ticket) -> None:
    """The text in the pictures that the answer is about: those that its question brought, else all."""
    place = await defer(interaction, private=False)
    conversation = await _conversation(interaction, ticket)
    turn = next((turn for turn in conversation.turns if turn.source == ticket.source), None)
    pictures = (turn.pictures if turn is not None else ()) or conversation.pictures
    if not pictures:
        raise NothingHere
    references = [picture.ref for picture in pictures]
    mention = mention_of(interaction, place, conversation=conversation.id, kind=JobKind.OCR, references=references)
    await interaction.client.desk.ask(mention)


async def _rate(interaction: Interaction, verb: Verb, ticket: Ticket) -> None:
    """The log keeps it: which answer, and what was thought of it."""
    log.info("feedback", job=str(ticket.job(interaction.guild_id)), good=verb is Verb.GOOD)
    assert interaction.message is not None
    rows = (row for row in interaction.message.components if isinstance(row, discord.ActionRow))
    names = [child.custom_id or "" for row in rows for child in row.children if isinstance(child, discord.Button)]
    found = [match for name in names if (match := TEMPLATE.fullmatch(name))]
    buttons = tuple(Button(Verb(match["verb"]), ticket, pressed=match["verb"] == verb) for match in found)
    await interaction.response.edit_message(view=view_of(buttons))


async def _share(interaction: Interaction, _: Verb, ticket: Ticket) -> None:
    """Show everybody what only its asker sees."""
    await interaction.response.defer()
    conversation = await _conversation(interaction, ticket)
    turn = _turn(conversation, ticket)
    job = _question(conversation, turn).as_job(patience_s=0.0)
    text, names = word(job, turn.answer, conversation)
    await interaction.edit_original_response(view=None)
    for part in lay_out(job.kind, text, small_print=[*names, f"Shared by {interaction.user.mention}"]):
        await interaction.followup.send(part, allowed_mentions=discord.AllowedMentions.none(), suppress_embeds=True)


async def _conversation(interaction: Interaction, ticket: Ticket) -> Conversation:
    return await interaction.client.desk.conversations.load(ticket.conversation(interaction.guild_id))


def _turn(conversation: Conversation, ticket: Ticket) -> Turn:
    """The question of a button.

    Raises:
        QuestionUnknown: it was forgotten, or its time is over.
    """
    for turn in conversation.turns:
        if turn.source == ticket.source:
            return turn
    raise QuestionUnknown


def _question(known: Conversation, turn: Turn) -> Mention:
    """What was asked, before this process lived. Its newest revision may have no turn: it was stopped, or failed."""
    return Mention(
        conversation=known.id,
        source=turn.source,
        revision=known.last_revision if known.last_source == turn.source else turn.revision,
        asker=turn.asker,
        kind=JobKind(turn.kind),
        text=turn.question,
        references=tuple(picture.ref for picture in (*turn.again, *turn.pictures)),
    )
