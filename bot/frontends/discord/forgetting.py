"""What is deleted on Discord is forgotten here: questions, pictures, threads, channels, servers."""

import discord
import msgspec
import structlog

from bot.frontend import Posted
from bot.frontends.discord.answers import find_answer
from bot.frontends.discord.desk import Desk
from bot.frontends.discord.errors import PostRefused
from bot.frontends.discord.place import Place, Standing, conversation_of, tenant_key_of
from bot.frontends.discord.references import belongs_to, read_attachments
from bot.mention import Mention
from jobs import ConversationId

log = structlog.get_logger()


class Forgetting:
    """Deletions, as Discord tells of them. Most are of messages that nobody asked anything with."""

    def __init__(self, desk: Desk, me: int) -> None:
        self._desk = desk
        self._me = me

    async def see_message(self, message: int, *, channel: int, guild: int | None, parent: int | None) -> None:
        """A message was deleted; `parent` where it stood in a thread.

        Raises:
            StoreUnavailable: nothing was forgotten.
        """
        asked = self._desk.recent.of_message(message)
        if asked is not None:
            mention = asked.mention
            conversations = {mention.conversation}
        else:
            where = conversation_of(guild=guild, channel=channel, parent=parent, root=message)
            begins = guild is not None and parent is None
            place = Place(channel=channel, asker=0, message=message, opens_thread=begins)
            mention = Mention(conversation=where, source=str(message), asker="", reply_to=place.encode())
            conversations = {where}
            is_old = not self._desk.recent.has_all_since(discord.utils.snowflake_time(message).timestamp())
            if begins and is_old:  # or it replied to an answer in the channel, and went on with that one's conversation
                store = self._desk.conversations
                conversations |= await store.with_source(where.tenant_key, where.channel, mention.source)
        for conversation in conversations:
            await self._forget_question(msgspec.structs.replace(mention, conversation=conversation))
        conversations |= {asked.mention.conversation for asked in self._desk.recent.of_picture(message)}
        for conversation in conversations:
            # A message that brought pictures to somebody's question, by being replied to or described, asked nothing.
            await self._desk.eraser.drop_origin(conversation, f"{channel}/{message}")
        self._desk.recent.forget(mention.source)  # last: a store that is away has all of it asked again

    async def see_files(self, message: discord.Message, conversation: ConversationId) -> None:
        """A message was edited: files that it has no more are out of its conversation, and of all that it was shown in.

        Raises:
            StoreUnavailable: not all of them.
        """
        if message.edited_at is None or message.author.bot:
            return
        there = {ref.origin for ref in read_attachments(message)}
        shown = self._desk.recent.of_picture(message.id)
        for where in {conversation, *(asked.mention.conversation for asked in shown)}:
            known = [picture.ref for picture in (await self._desk.conversations.load(where)).pictures]
            known += [ref for asked in shown if asked.mention.conversation == where for ref in asked.mention.references]
            for origin in {ref.origin for ref in known if belongs_to(ref, message.id)} - there:
                await self._desk.eraser.drop_origin(where, origin)

    async def see_thread(self, thread: int, *, parent: int, guild: int) -> None:
        """A thread was deleted.

        Raises:
            StoreUnavailable: nothing was forgotten.
        """
        where = conversation_of(guild=guild, channel=thread, parent=parent, root=thread)
        await self._desk.forget(where)

    async def see_channel(self, channel: int, *, guild: int) -> None:
        """A channel was deleted, with its threads.

        Raises:
            StoreUnavailable: nothing was forgotten.
        """
        self._desk.withdraw(lambda job: job.conversation.channel == str(channel))
        await self._desk.eraser.forget_place(tenant_key_of(guild), str(channel))
        self._desk.recent.forget_where(lambda mention: mention.conversation.channel == str(channel))

    async def see_server(self, guild: int) -> None:
        """We were removed from a server.

        Raises:
            StoreUnavailable: nothing was forgotten.
        """
        forgotten = await self._desk.eraser.forget_place(tenant_key_of(guild))
        self._desk.recent.forget_where(lambda mention: mention.conversation.tenant == str(guild))
        log.info("server left", guild=guild, conversations=forgotten.conversations, pictures=forgotten.pictures)

    async def _forget_question(self, mention: Mention) -> None:
        where, source = mention.conversation, mention.source
        self._desk.withdraw(lambda job: (job.conversation, job.source) == (where, source))
        was_answered = any(turn.source == source for turn in (await self._desk.conversations.load(where)).turns)
        if was_answered:  # begun before: a store that has to be asked again knows of no answer any more
            self._begin_deleting_answer(mention)
        forgotten = await self._desk.conversations.forget_source(where, source)
        if forgotten.turns and not was_answered:  # its answer came meanwhile
            self._begin_deleting_answer(mention)
        if forgotten.turns:
            log.info("question deleted", conversation=str(where), pictures=forgotten.pictures)

    def _begin_deleting_answer(self, mention: Mention) -> None:
        """It may quote what was deleted."""
        asked = self._desk.recent.of_source(mention.source)
        posted = asked.posted if asked else ()
        self._desk.errands.begin(lambda: self._delete_answer(mention, posted), to="delete an answer")

    async def _delete_answer(self, mention: Mention, posted: Posted) -> None:
        """Raises: NotPosted: not all of it."""
        for standing in map(Standing.read, posted or await find_answer(self._desk.api, mention, self._me)):
            try:
                await self._desk.api.delete(standing)
            except PostRefused as error:
                log.info("answer not deleted", message=standing.message, error=error.sentence)
