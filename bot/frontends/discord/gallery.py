"""The pictures of a conversation with their numbers, for whoever wants to see them or to take one out."""

import asyncio
import re
from io import BytesIO
from typing import Any

import discord
from PIL import Image

from bot.frontends.discord.desk import Desk
from bot.frontends.discord.errors import NothingHere, NotYours
from bot.frontends.discord.interactions import Interaction, conversation_here, failures_told, is_moderator
from bot.frontends.discord.layout import plain
from jobs import Conversation, Picture

_MOST_SHOWN = 10  # Discord: embeds of a message
_MOST_CHOICES = 25  # Discord: of a menu
_THUMBNAIL = (240, 240)  # pixels, at most

_GONE = "It is no longer stored; I fetch it again when it is needed."


class Gallery:
    """`/images`: thumbnails, and a menu to drop one."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def show(self, interaction: Interaction) -> None:
        """To whoever asked, alone.

        Raises:
            NothingHere, StoreUnavailable.
        """
        await interaction.response.defer(thinking=True, ephemeral=True)
        conversation = await self._desk.conversations.load(conversation_here(interaction))
        if not conversation.pictures:
            raise NothingHere
        shown = conversation.pictures[-_MOST_SHOWN:]
        entries = [await self._entry(conversation, picture) for picture in shown]
        await interaction.followup.send(
            _heading(conversation, len(shown)),
            embeds=[embed for embed, _ in entries],
            files=[file for _, file in entries if file is not None],
            view=_menu(conversation),
            ephemeral=True,
        )

    async def _entry(self, conversation: Conversation, picture: Picture) -> tuple[discord.Embed, discord.File | None]:
        embed = discord.Embed(
            title=f"Picture {picture.number}",
            description=f"{plain(picture.name)}\n{picture.width} x {picture.height} pixels",
        )
        stored = await self._desk.stored.get(conversation.id.tenant_key, picture.digest)
        if stored is None:
            embed.set_footer(text=_GONE)
            return embed, None
        name = f"{picture.number}.jpg"
        embed.set_thumbnail(url=f"attachment://{name}")
        return embed, discord.File(BytesIO(await asyncio.to_thread(_reduce, stored)), name)


class Drop(discord.ui.DynamicItem[discord.ui.Select[Any]], template=r"ts:drop"):
    """The menu under the thumbnails."""

    @classmethod
    async def from_custom_id(  # type: ignore[override]  # narrowed to what a Drop is made of
        cls, _: Interaction, item: discord.ui.Select[Any], __: re.Match[str], /
    ) -> "Drop":
        """What discord.py calls when something is chosen."""
        return cls(item)

    async def callback(self, interaction: Interaction) -> None:  # type: ignore[override]  # our own client
        """What discord.py calls next."""
        async with failures_told(interaction):
            await _drop(interaction, int(self.item.values[0]))


async def _drop(interaction: Interaction, number: int) -> None:
    await interaction.response.defer()
    desk = interaction.client.desk
    conversation = await desk.conversations.load(conversation_here(interaction))
    brought = conversation.find_picture(number)
    asker = next((turn.asker for turn in conversation.turns if brought and turn.source == brought[0]), "")
    if asker != str(interaction.user.id) and not is_moderator(interaction):
        raise NotYours
    dropped = await desk.eraser.drop_picture(conversation.id, number)
    text = f"Picture {number} is dropped. I do not see it any more." if dropped else f"Picture {number} is gone."
    await interaction.edit_original_response(content=text, embeds=[], attachments=[], view=None)


def _heading(conversation: Conversation, shown: int) -> str:
    count = len(conversation.pictures)
    if count == shown:
        return "The picture that I see here:" if count == 1 else f"The {count} pictures that I see here:"
    return f"The last {shown} of {count} pictures that I see here:"


def _menu(conversation: Conversation) -> discord.ui.View:
    view = discord.ui.View(timeout=None)
    options = [
        discord.SelectOption(
            label=f"Picture {picture.number}", value=str(picture.number), description=picture.name[:100]
        )
        for picture in conversation.pictures[-_MOST_CHOICES:]
    ]
    view.add_item(Drop(discord.ui.Select(custom_id="ts:drop", placeholder="Drop a picture", options=options)))
    return view


def _reduce(stored: bytes) -> bytes:
    """What we stored ourselves: it is safe to open here."""
    reduced = BytesIO()
    with Image.open(BytesIO(stored)) as image:
        image.thumbnail(_THUMBNAIL)
        image.convert("RGB").save(reduced, "JPEG", quality=80)
    return reduced.getvalue()
