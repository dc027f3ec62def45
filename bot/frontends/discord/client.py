"""The gateway: what happens on Discord, handed to those who see to it."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import discord
import structlog
from discord import app_commands

from bot.errors import NotPosted
from bot.frontends.discord.asking import Asking
from bot.frontends.discord.commands import Commands
from bot.frontends.discord.desk import Desk
from bot.frontends.discord.editing import Editing
from bot.frontends.discord.errors import PostRefused, TooManyPosts
from bot.frontends.discord.forgetting import Forgetting
from bot.frontends.discord.gallery import Drop
from bot.frontends.discord.interactions import tell
from bot.frontends.discord.menus import Menus
from bot.frontends.discord.permissions import lacking, missing
from bot.frontends.discord.presses import Press
from bot.frontends.discord.questions import Questions
from bot.frontends.discord.reading import says_nothing
from bot.frontends.discord.rest import Rest
from bot.frontends.discord.sync import sync_commands
from jobs.errors import StoreUnavailable, ThreadsightError

_PAUSE_S = 5.0

log = structlog.get_logger()


class Gateway(discord.Client):
    """One connection's life. Every event is seen to in a task of its own, by discord.py."""

    def __init__(self, desk: Desk, rest: Rest, *, patience_s: float) -> None:
        intents = discord.Intents(
            guilds=True, guild_messages=True, dm_messages=True, message_content=desk.reads_everything
        )
        super().__init__(
            intents=intents,
            max_messages=None,  # nothing is read from a cache
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            allowed_mentions=discord.AllowedMentions.none(),
        )
        self.desk = desk
        self._rest = rest
        self._patience_s = patience_s
        self._questions: Questions
        self._asking: Asking
        self._editing: Editing
        self._forgetting: Forgetting
        self._syncing: asyncio.Task[None] | None = None

    async def setup_hook(self) -> None:
        """What discord.py calls between the login and the first event."""
        assert self.user is not None
        self._questions = Questions(self.desk, self.user)
        self._asking = Asking(self.desk, self.user, self._questions, patience_s=self._patience_s)
        self._editing = Editing(self.desk, self.user, self._questions)
        self._forgetting = Forgetting(self.desk, self.user.id)
        tree = app_commands.CommandTree(
            self,
            allowed_contexts=app_commands.AppCommandContext(guild=True, dm_channel=True),
            allowed_installs=app_commands.AppInstallationType(guild=True),
        )
        for command in Commands(self.desk).build():
            tree.add_command(command)
        for menu in Menus(self.desk).build():
            tree.add_command(menu)
        tree.error(_tell_failure)
        self.add_dynamic_items(Press, Drop)
        wanted = [command.to_dict(tree) for command in tree.walk_commands()]
        wanted += [entry.to_dict(tree) for entry in tree.walk_commands(type=discord.AppCommandType.message)]
        self._syncing = asyncio.create_task(sync_commands(self._rest, wanted))

    async def close(self) -> None:
        """What discord.py calls at the end."""
        # discord.py leaves its own wait for "ready" behind, which then finds no loop.
        for task in (self._syncing, getattr(self._connection, "_ready_task", None)):
            if task is not None:
                task.cancel()
        await super().close()

    async def on_ready(self) -> None:
        """Connected; said again after a connection that could not be resumed."""
        log.info("Discord connected", bot=str(self.user), servers=len(self.guilds))
        for guild in self.guilds:
            _warn(guild)

    async def on_guild_join(self, guild: discord.Guild) -> None:
        """Invited."""
        _warn(guild)

    async def on_message(self, message: discord.Message) -> None:
        """Written by anybody, ourselves included."""
        await _see_to("message", self._asking.hear(message))

    async def on_raw_message_edit(self, event: discord.RawMessageUpdateEvent) -> None:
        """Changed by its author, or by Discord."""
        try:
            await _see_to("edit", self._see_edit(event.message))
        except StoreUnavailable:  # the question stands as it was, without the files that were taken out of it
            await _surely(lambda: self._forget_files(event.message))

    async def on_raw_message_delete(self, event: discord.RawMessageDeleteEvent) -> None:
        """One message."""
        await self._forget((event.message_id,), channel=event.channel_id, guild=event.guild_id)

    async def on_raw_bulk_message_delete(self, event: discord.RawBulkMessageDeleteEvent) -> None:
        """Many at once, by a moderator."""
        await self._forget(tuple(event.message_ids), channel=event.channel_id, guild=event.guild_id)

    async def on_raw_thread_delete(self, event: discord.RawThreadDeleteEvent) -> None:
        """A thread with all that is in it."""
        see = self._forgetting.see_thread
        await _surely(lambda: see(event.thread_id, parent=event.parent_id, guild=event.guild_id))

    async def on_guild_channel_delete(self, channel: discord.abc.GuildChannel) -> None:
        """A channel with all its threads."""
        await _surely(lambda: self._forgetting.see_channel(channel.id, guild=channel.guild.id))

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """We were removed, or the server is gone."""
        await _surely(lambda: self._forgetting.see_server(guild.id))

    async def _see_edit(self, message: discord.Message) -> None:
        if says_nothing(message):  # but its edit: it no longer names us, and we may not read it
            return
        if not await self._asking.amend(message):
            await self._forget_files(message)
            await self._editing.see_edit(message)

    async def _forget_files(self, message: discord.Message) -> None:
        await self._forgetting.see_files(message, self._questions.conversation(message))

    async def _forget(self, messages: tuple[int, ...], *, channel: int, guild: int | None) -> None:
        for message in messages:
            await self._asking.let_go(message)
        parent = await self._parent(channel) if guild is not None else None
        for message in messages:
            see = partial(self._forgetting.see_message, message, channel=channel, guild=guild, parent=parent)
            await _surely(see)

    async def _parent(self, channel: int) -> int | None:
        """The channel of a thread; an archived one is not in any cache, and a Discord that is away is waited for."""
        known = self.get_channel(channel)
        if known is not None:
            return known.parent_id if isinstance(known, discord.Thread) else None
        while True:
            try:
                return await self.desk.api.fetch_parent(channel)
            except (NotPosted, TooManyPosts) as error:
                log.warning("deletion put off", error=error.sentence)
                await asyncio.sleep(_PAUSE_S)
            except PostRefused as error:
                log.info("channel not looked up", channel=channel, error=error.sentence)
                return None


async def _surely(forget: Callable[[], Awaitable[None]]) -> None:
    """A deletion: it is honoured when the store is back, as long as this process lives."""
    while True:
        try:
            return await _see_to("deletion", forget())
        except StoreUnavailable as error:
            log.warning("deletion put off", error=error.sentence)
            await asyncio.sleep(_PAUSE_S)


async def _see_to(event: str, work: Awaitable[None]) -> None:
    """One event; that it cannot be seen to is no reason for the others not to be."""
    try:
        await work
    except StoreUnavailable:
        raise
    except ThreadsightError as error:
        log.warning("event not seen to", kind=event, error=error.sentence)
    except Exception:  # the gateway lives on
        log.exception("event not seen to", kind=event)


async def _tell_failure(
    interaction: "discord.Interaction[discord.Client]", error: app_commands.AppCommandError
) -> None:
    """A command failed."""
    await tell(interaction, error.original if isinstance(error, app_commands.CommandInvokeError) else error)


def _warn(guild: discord.Guild) -> None:
    """What a server does not let us do."""
    if lacks := missing(guild.me.guild_permissions):
        log.warning("permissions missing", server=guild.name, advice=f"{lacking(lacks)}.")
