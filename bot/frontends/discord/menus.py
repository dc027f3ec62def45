"""What stands in a message's menu under "Apps": for pictures that somebody else posted, answered privately."""

import discord
from discord import app_commands

from bot.frontends.discord.desk import Desk
from bot.frontends.discord.errors import NoPictureThere
from bot.frontends.discord.interactions import Interaction, conversation_here, defer, mention_of, tell, whisper
from bot.frontends.discord.references import read_pictures
from jobs import JobKind, PictureRef


class Menus:
    """Each asks about a message's pictures in a conversation of its own."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def build(self) -> list[app_commands.ContextMenu]:
        """The entries, for a tree."""
        return [
            app_commands.ContextMenu(name="Read text", callback=self.read_text),
            app_commands.ContextMenu(name="Ask about this image", callback=self.ask),
            app_commands.ContextMenu(name="Describe image", callback=self.describe),
        ]

    async def read_text(self, interaction: Interaction, message: discord.Message) -> None:
        """`Read text`."""
        await self._look(interaction, message, JobKind.OCR)

    async def describe(self, interaction: Interaction, message: discord.Message) -> None:
        """`Describe image`."""
        await self._look(interaction, message, JobKind.DESCRIBE)

    async def ask(self, interaction: Interaction, message: discord.Message) -> None:
        """`Ask about this image`: a form for the question."""
        references = await self._pictures(interaction, message)
        if references:
            await interaction.response.send_modal(Question(self._desk, references))

    async def _look(self, interaction: Interaction, message: discord.Message, kind: JobKind) -> None:
        references = await self._pictures(interaction, message)
        if references:
            await ask_privately(self._desk, interaction, kind, references)

    async def _pictures(self, interaction: Interaction, message: discord.Message) -> list[PictureRef]:
        self._desk.pictures.note(message)
        references = read_pictures(message)
        if not references:
            await whisper(interaction, NoPictureThere().sentence)
        return references


class Question(discord.ui.Modal, title="Ask about this image"):
    """The form. It lives as long as this process: whoever still types then is told by Discord to try again."""

    words: discord.ui.TextInput["Question"] = discord.ui.TextInput(
        label="Question", style=discord.TextStyle.paragraph, max_length=1500
    )

    def __init__(self, desk: Desk, references: list[PictureRef]) -> None:
        super().__init__(timeout=15 * 60)
        self._desk = desk
        self._references = references

    async def on_submit(self, interaction: Interaction) -> None:  # type: ignore[override]  # our own client
        """What discord.py calls when it is sent."""
        await ask_privately(self._desk, interaction, JobKind.ASK, self._references, text=self.words.value)

    async def on_error(self, interaction: Interaction, error: Exception) -> None:  # type: ignore[override]  # the same
        """What discord.py calls when that fails."""
        await tell(interaction, error)


async def ask_privately(
    desk: Desk, interaction: Interaction, kind: JobKind, references: list[PictureRef], *, text: str = ""
) -> None:
    """Answer whoever used it alone; they may share it."""
    place = await defer(interaction, private=True)
    conversation = conversation_here(interaction, alone=True)
    mention = mention_of(interaction, place, conversation=conversation, kind=kind, text=text, references=references)
    await desk.ask(mention)
