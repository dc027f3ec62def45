"""What is deleted on Discord is forgotten here: questions, pictures, threads, channels, servers."""

import structlog

from bot.errors import NotPosted
from bot.frontends.discord.answers import find_answer
from bot.frontends.discord.desk import Desk
from bot.frontends.discord.errors import PostRefused
from bot.frontends.discord.place import Place, Standing, conversation_of, tenant_key_of
from bot.frontends.discord.references import belongs_to
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
        else:
            where = conversation_of(guild=guild, channel=channel, parent=parent, root=message)
            begins = guild is not None and parent is None
            place = Place(channel=channel, asker=0, message=message, opens_thread=begins)
            mention = Mention(conversation=where, source=str(message), asker="", reply_to=place.encode())
        self._desk.withdraw(lambda job: (job.conversation, job.source) == (mention.conversation, mention.source))
        forgotten = await self._desk.conversations.forget_source(mention.conversation, mention.source)
        if forgotten.turns:
            log.info("question deleted", conversation=str(mention.conversation), pictures=forgotten.pictures)
            await self._delete_answer(mention)
        others = {asked.mention.conversation for asked in self._desk.recent.of_picture(message)}
        for conversation in {mention.conversation, *others}:
            await self._drop_pictures(conversation, message)
        self._desk.recent.forget(mention.source)  # last: a store that is away has all of it asked again

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

    async def _drop_pictures(self, where: ConversationId, message: int) -> None:
        """A message that brought pictures to somebody's question, by being replied to or described, asked nothing."""
        for picture in (await self._desk.conversations.load(where)).pictures:
            if belongs_to(picture.ref, message):
                await self._desk.eraser.drop_picture(where, picture.number)

    async def _delete_answer(self, mention: Mention) -> None:
        """It may quote what was deleted."""
        asked = self._desk.recent.of_source(mention.source)
        posted = (asked.posted if asked else ()) or await find_answer(self._desk.api, mention, self._me)
        for standing in map(Standing.read, posted):
            try:
                await self._desk.api.delete(standing)
            except (PostRefused, NotPosted) as error:
                log.info("answer not deleted", message=standing.message, error=error.sentence)
