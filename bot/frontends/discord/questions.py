"""What people's messages ask: who, where, which words, which pictures, and where the answer goes."""

from collections.abc import Sequence

import discord
import msgspec
import structlog

from bot.errors import NotPosted
from bot.frontends.discord.buttons import tickets_on
from bot.frontends.discord.desk import Desk
from bot.frontends.discord.errors import PostRefused
from bot.frontends.discord.forwards import Forwards
from bot.frontends.discord.permissions import missing_in
from bot.frontends.discord.place import Place, Standing, conversation_of, is_private
from bot.frontends.discord.reading import is_forward, read_words, replied_to
from bot.frontends.discord.references import make_room, merge, read_attachments, read_pictures
from bot.mention import Mention
from jobs import ConversationId, PictureRef

_OPENS_THREADS = (discord.ChannelType.text, discord.ChannelType.news)
_FOR_THREADS = ("create_public_threads", "send_messages_in_threads")  # permissions, by discord.py's names

log = structlog.get_logger()


class Questions:
    """Reads messages. What else has to be looked up for them is looked up here."""

    def __init__(self, desk: Desk, me: discord.ClientUser) -> None:
        self.forwards = Forwards()
        self._desk = desk
        self._me = me

    async def read(self, messages: Sequence[discord.Message], conversation: ConversationId) -> Mention:
        """What messages of one person ask together, one after the other.

        Raises: StoreUnavailable.
        """
        return msgspec.structs.replace(
            self.mention(messages[0], conversation),
            text="\n".join(filter(None, (read_words(message, self._me) for message in messages))),
            references=await self.references(messages, conversation),
        )

    def mention(self, message: discord.Message, conversation: ConversationId) -> Mention:
        """Who asks, where; what is asked comes later."""
        return Mention(
            conversation=conversation,
            source=str(message.id),
            asker=str(message.author.id),
            reply_to=self._place(message).encode(),
            roles=_roles(message),
        )

    def conversation(self, message: discord.Message) -> ConversationId:
        """The thread's or the DM's; in a channel that of the answer that is replied to, else a new one."""
        guild = message.guild.id if message.guild else None
        parent = message.channel.parent_id if isinstance(message.channel, discord.Thread) else None
        target = replied_to(message)
        if parent is None and guild is not None and target is not None and target.author.id == self._me.id:
            for ticket in tickets_on(target):
                return ticket.conversation(guild)
            # The buttons are under the last message of an answer only.
            answered = self._desk.recent.of_answer(str(Standing(target.channel.id, target.id)))
            if answered is not None:
                return answered.mention.conversation
        return conversation_of(guild=guild, channel=message.channel.id, parent=parent, root=message.id)

    def _place(self, message: discord.Message) -> Place:
        lacks = missing_in(message.channel)
        target = replied_to(message)
        answers_us = target is not None and target.author.id == self._me.id
        wants_thread = message.channel.type in _OPENS_THREADS and not answers_us
        no_thread = tuple(name for name in _FOR_THREADS if wants_thread and name in lacks)
        return Place(
            channel=message.channel.id,
            asker=message.author.id,
            message=message.id,
            opens_thread=wants_thread and not no_thread,
            no_thread=no_thread,
            in_private=is_private(message.channel),
            lacks=lacks,
        )

    async def references(
        self, messages: Sequence[discord.Message], conversation: ConversationId
    ) -> tuple[PictureRef, ...]:
        """In the order in which they appeared: the thread's first message, what is replied to or forwarded beside it, the messages.

        The messages' own have the first right to the room that there is.
        """
        targets = [await self._target(message) for message in messages]
        answered = [target for target in targets if target is not None and target.author.id != self._me.id]
        starter = await self._starter(messages[0], conversation)
        earlier = [*([starter] if starter is not None else []), *answered]
        return make_room(
            merge(*(self.noted(message, read_pictures(message)) for message in earlier)),
            merge(*(self.noted(message, read_attachments(message)) for message in messages)),
            most=self._desk.responder.max_pictures,
        )

    def noted(self, message: discord.Message, references: list[PictureRef]) -> list[PictureRef]:
        """The same, once it is known where the message's files are."""
        self._desk.pictures.note(message)
        return references

    async def _starter(self, message: discord.Message, conversation: ConversationId) -> discord.Message | None:
        """The message that a thread hangs on, when we are asked there for the first time."""
        thread = message.channel
        if not isinstance(thread, discord.Thread) or thread.id == message.id:
            return None
        known = await self._desk.conversations.load(conversation)
        if known.turns or known.forgotten_at_s:  # what was forgotten is not read again
            return None
        in_forum = isinstance(thread.parent, discord.ForumChannel)
        return await self._fetch(thread.id if in_forum else thread.parent_id, thread.id)

    async def _target(self, message: discord.Message) -> discord.Message | None:
        """The message that is replied to, read again where Discord did not send it along; else a forward beside it."""
        reference = message.reference
        if reference is None:
            return None if message.attachments else self.forwards.before(message)
        if is_forward(message) or reference.message_id is None:
            return None
        if isinstance(reference.resolved, discord.DeletedReferencedMessage):
            return None
        return replied_to(message) or await self._fetch(reference.channel_id, reference.message_id)

    async def _fetch(self, channel: int, message: int) -> discord.Message | None:
        """What cannot be read is not there: the question goes on without it."""
        try:
            return await self._desk.api.fetch_message(channel, message)
        except (PostRefused, NotPosted) as error:
            log.info("message not read", channel=channel, message=message, error=error.sentence)
            return None


def _roles(message: discord.Message) -> frozenset[str]:
    return frozenset(str(role.id) for role in getattr(message.author, "roles", ()))
