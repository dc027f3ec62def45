"""The slash commands."""

from collections.abc import Sequence
from typing import Any, Literal

import discord
import msgspec
from discord import app_commands

from bot.frontends.discord.desk import Desk
from bot.frontends.discord.errors import NotYours, TwoPicturesNeeded
from bot.frontends.discord.gallery import Gallery
from bot.frontends.discord.help import describe_help
from bot.frontends.discord.interactions import (
    Interaction,
    conversation_here,
    defer,
    is_conversation,
    is_moderator,
    mention_of,
    whisper,
)
from bot.frontends.discord.references import make_room, read_uploads
from bot.memory import words_for_forgotten
from jobs import Forgotten, JobKind, PictureRef
from jobs.errors import StoreUnavailable

_MESSAGES_STAY = "Messages on Discord stay where they are."
_PAIR = 2  # pictures, the least that can be compared

Picture = discord.Attachment
Extra = discord.Attachment | None


class Commands:
    """What every command does. The descriptions are what people read while they type."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._gallery = Gallery(desk)

    def build(self) -> list[app_commands.Command[Any, ..., None]]:
        """The commands, for a tree."""
        described = (
            ("ask", "Ask about pictures, or about those of this thread", self.ask),
            ("ocr", "Read the text in pictures", self.ocr),
            ("compare", "What is different between pictures; without any: those of this thread", self.compare),
            ("describe", "Describe a picture for somebody who cannot see it", self.describe),
            ("images", "The pictures that I see in this conversation; drop one", self.images),
            ("forget", "Make me forget your questions, or this conversation", self.forget),
            ("help", "What I can do, what I keep, and whether I am well", self.help),
        )
        return [
            app_commands.Command(name=name, description=description, callback=callback)
            for name, description, callback in described
        ]

    @app_commands.describe(question="What do you want to know?", private="Only you see the answer")
    async def ask(  # noqa: PLR0917 - discord.py reads the options from it
        self,
        interaction: Interaction,
        question: app_commands.Range[str, 1, 1500],
        image: Extra = None,
        image2: Extra = None,
        image3: Extra = None,
        image4: Extra = None,
        private: bool = False,  # noqa: FBT001, FBT002 - discord.py calls it, by name
    ) -> None:
        """`/ask`."""
        await self._ask(interaction, JobKind.ASK, (image, image2, image3, image4), private=private, text=question)

    @app_commands.describe(private="Only you see the text")
    async def ocr(  # noqa: PLR0917 - discord.py reads the options from it
        self,
        interaction: Interaction,
        image: Picture,
        image2: Extra = None,
        image3: Extra = None,
        image4: Extra = None,
        image5: Extra = None,
        private: bool = False,  # noqa: FBT001, FBT002 - discord.py calls it, by name
    ) -> None:
        """`/ocr`."""
        await self._ask(interaction, JobKind.OCR, (image, image2, image3, image4, image5), private=private)

    @app_commands.describe(question="What matters to you?", private="Only you see the answer")
    async def compare(  # noqa: PLR0917 - discord.py reads the options from it
        self,
        interaction: Interaction,
        image1: Extra = None,
        image2: Extra = None,
        image3: Extra = None,
        image4: Extra = None,
        question: app_commands.Range[str, 1, 1500] | None = None,
        private: bool = False,  # noqa: FBT001, FBT002 - discord.py calls it, by name
    ) -> None:
        """`/compare`."""
        given = [image for image in (image1, image2, image3, image4) if image is not None]
        if len(given) < _PAIR and not is_conversation(interaction):
            await whisper(interaction, TwoPicturesNeeded().sentence)
            return
        await self._ask(interaction, JobKind.COMPARE, given, private=private, text=question or "")

    @app_commands.describe(private="Only you see the description")
    async def describe(
        self,
        interaction: Interaction,
        image: Picture,
        private: bool = False,  # noqa: FBT001, FBT002 - discord.py calls it, by name
    ) -> None:
        """`/describe`."""
        await self._ask(interaction, JobKind.DESCRIBE, (image,), private=private)

    async def images(self, interaction: Interaction) -> None:
        """`/images`."""
        await self._gallery.show(interaction)

    @app_commands.describe(what="All that you asked on this server, or all of this conversation")
    async def forget(self, interaction: Interaction, what: Literal["me", "this conversation"]) -> None:
        """`/forget`."""
        await interaction.response.defer(thinking=True, ephemeral=True)
        forgotten = await (self._forget_asker(interaction) if what == "me" else self._forget_here(interaction))
        said = words_for_forgotten(forgotten)
        await whisper(interaction, said if forgotten == Forgotten() else f"{said} {_MESSAGES_STAY}")

    async def help(self, interaction: Interaction) -> None:
        """`/help`."""
        await interaction.response.defer(thinking=True, ephemeral=True)
        await interaction.followup.send(await describe_help(self._desk), ephemeral=True, suppress_embeds=True)

    async def _forget_asker(self, interaction: Interaction) -> Forgotten:
        tenant, asker = conversation_here(interaction).tenant_key, str(interaction.user.id)
        forgotten = await self._desk.conversations.forget_asker(tenant, asker)
        self._desk.withdraw(lambda job: (job.conversation.tenant_key, job.asker) == (tenant, asker))
        self._desk.recent.forget_where(
            lambda mention: (mention.conversation.tenant_key, mention.asker) == (tenant, asker)
        )
        return forgotten

    async def _forget_here(self, interaction: Interaction) -> Forgotten:
        """Raises: NotYours."""
        here = conversation_here(interaction)
        user = str(interaction.user.id)
        askers = (await self._desk.conversations.load(here)).askers
        if askers - {user} and not is_moderator(interaction):
            raise NotYours
        return await self._desk.forget(here, wanted_by=user)

    async def _ask(
        self,
        interaction: Interaction,
        kind: JobKind,
        pictures: Sequence[discord.Attachment | None],
        *,
        private: bool,
        text: str = "",
    ) -> None:
        place = await defer(interaction, private=private)
        beside = None
        references = read_uploads(pictures)
        mention = mention_of(
            interaction,
            place,
            conversation=conversation_here(interaction, alone=private),
            kind=kind,
            text=text,
            references=references,
        )
        if private and (kind is JobKind.ASK or (kind is JobKind.COMPARE and len(references) < _PAIR)):
            try:
                known = await self._pictures_of_thread(interaction)
            except StoreUnavailable as error:
                await self._desk.tell(mention, error)
                return
            shown = make_room(known, references, most=self._desk.responder.max_pictures)
            mention = msgspec.structs.replace(mention, references=shown)
            beside = conversation_here(interaction) if known else None
        await self._desk.ask(mention, beside=beside)

    async def _pictures_of_thread(self, interaction: Interaction) -> list[PictureRef]:
        """What a private question is about too: its conversation is its own, and has none of them.

        Raises:
            StoreUnavailable
        """
        if interaction.guild_id is None or not is_conversation(interaction):
            return []
        known = await self._desk.conversations.load(conversation_here(interaction))
        return [picture.ref for picture in known.pictures]
