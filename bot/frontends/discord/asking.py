"""Questions in messages: which of them ask something of us, what they ask, and what an edit changes."""

import asyncio
from collections.abc import Sequence
from weakref import WeakValueDictionary

import discord
import msgspec
import structlog

from bot.errors import NotPosted
from bot.frontends.discord.answers import find_answer
from bot.frontends.discord.api import Part
from bot.frontends.discord.buttons import tickets_on
from bot.frontends.discord.desk import Desk
from bot.frontends.discord.errors import PostRefused
from bot.frontends.discord.gathering import Gathering
from bot.frontends.discord.pace import Urgency
from bot.frontends.discord.permissions import missing_in
from bot.frontends.discord.place import Place, conversation_of
from bot.frontends.discord.reading import (
    Meant,
    asks_to_start,
    asks_to_stop,
    for_whom,
    is_our_thread,
    read_words,
    replied_to,
)
from bot.frontends.discord.recent import Asked
from bot.frontends.discord.references import belongs_to, merge, read_attachments, read_pictures
from bot.mention import Mention
from jobs import Conversation, ConversationId, PictureRef, Sampling, Turn
from jobs.errors import StoreUnavailable

_STOPPED = 'I no longer listen here. Mention me to ask; "start listening" brings me back.'
_STARTED = "I am listening again."
_AT_ONCE = 8  # messages that are read and submitted: when a crowd writes, everything else has its turns too
_OPENS_THREADS = (discord.ChannelType.text, discord.ChannelType.news)

log = structlog.get_logger()


class Asking:
    """Messages of people, as they are written and edited."""

    def __init__(self, desk: Desk, me: discord.ClientUser, *, patience_s: float) -> None:
        self._desk = desk
        self._me = me
        self._gathering = Gathering(patience_s)
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._orders: WeakValueDictionary[ConversationId, asyncio.Lock] = WeakValueDictionary()

    async def hear(self, message: discord.Message) -> None:
        """A message was written."""
        meant = for_whom(message, self._me)
        if meant is Meant.FOR_OTHERS:
            return
        words = read_words(message, self._me)
        if self._gathering.offer(message, has_words=bool(words)):
            return
        follows = message.guild is None or is_our_thread(message.channel, self._me)
        if meant is Meant.OPEN and not (follows and (words or read_attachments(message))):
            return
        conversation = self._conversation(message)
        # No waiting before this line: questions of one conversation are taken in the order in which they came.
        async with self._orders.setdefault(conversation, asyncio.Lock()):
            try:
                await self._answer(message, meant, words, conversation)
            except StoreUnavailable as error:
                await self._desk.tell(self._mention(message, conversation), error)

    async def see_edit(self, message: discord.Message) -> None:
        """A message was edited: where it asked the last question, that is answered again in the same place."""
        if message.edited_at is None or message.author.bot:  # a preview of a link, a thread that was opened
            return
        asked = await self._asked(message)
        if asked is None:
            return
        edited = await self._reread(asked, message)
        if (edited.text, edited.references) == (asked.mention.text, asked.mention.references):
            return
        log.info("question edited", source=edited.source, revision=edited.revision)
        await self._desk.ask(edited, messages=asked.messages)

    # ---------------------------------------------------------------- asking

    async def _answer(self, message: discord.Message, meant: Meant, words: str, conversation: ConversationId) -> None:
        """Raises: StoreUnavailable."""
        if await self._minds(message, conversation, words):
            return
        if meant is Meant.OPEN and await self._desk.silences.holds(conversation):
            return
        messages = [message] if words else await self._gather(message)
        async with self._room:
            await self._ask(messages, conversation)

    async def _minds(self, message: discord.Message, conversation: ConversationId, words: str) -> bool:
        """Whether it was told to listen or not, and not asked."""
        if asks_to_stop(words):
            await self._desk.silences.begin(conversation)
            await self._note(message, _STOPPED)
        elif asks_to_start(words):
            await self._desk.silences.end(conversation)
            await self._note(message, _STARTED)
        else:
            return False
        return True

    async def _note(self, message: discord.Message, text: str) -> None:
        try:
            await self._desk.api.post(
                message.channel.id, Part(content=text), nonce=f"note {message.id}", urgency=Urgency.SIGN
            )
        except (PostRefused, NotPosted) as error:
            log.warning("note not posted", channel=message.channel.id, error=error.sentence)

    async def _gather(self, message: discord.Message) -> list[discord.Message]:
        """Wait for the words, and show that somebody has seen the pictures."""
        typing = asyncio.create_task(self._show_typing(message.channel.id))
        try:
            return await self._gathering.gather(message)
        finally:
            typing.cancel()

    async def _show_typing(self, channel: int) -> None:
        try:
            await self._desk.api.show_typing(channel)
        except (PostRefused, NotPosted) as error:
            log.debug("typing not shown", channel=channel, error=error.sentence)

    async def _ask(self, messages: Sequence[discord.Message], conversation: ConversationId) -> None:
        mention = msgspec.structs.replace(
            self._mention(messages[0], conversation),
            text="\n".join(filter(None, (read_words(message, self._me) for message in messages))),
            references=await self._references(messages, conversation),
        )
        await self._desk.ask(mention, messages=tuple(message.id for message in messages))

    def _mention(self, message: discord.Message, conversation: ConversationId) -> Mention:
        """Who asks, where; what is asked comes later."""
        return Mention(
            conversation=conversation,
            source=str(message.id),
            asker=str(message.author.id),
            reply_to=self._place(message).encode(),
            roles=_roles(message),
        )

    def _conversation(self, message: discord.Message) -> ConversationId:
        """The thread's or the DM's; in a channel that of the answer that is replied to, else a new one."""
        guild = message.guild.id if message.guild else None
        parent = message.channel.parent_id if isinstance(message.channel, discord.Thread) else None
        target = replied_to(message)
        if parent is None and guild is not None and target is not None and target.author.id == self._me.id:
            for ticket in tickets_on(target):
                return ticket.conversation(guild)
        return conversation_of(guild=guild, channel=message.channel.id, parent=parent, root=message.id)

    def _place(self, message: discord.Message) -> Place:
        lacks = missing_in(message.channel)
        target = replied_to(message)
        answers_us = target is not None and target.author.id == self._me.id
        may_open = "create_public_threads" not in lacks and "send_messages_in_threads" not in lacks
        return Place(
            channel=message.channel.id,
            asker=message.author.id,
            message=message.id,
            opens_thread=may_open and not answers_us and message.channel.type in _OPENS_THREADS,
            lacks=lacks,
        )

    # ---------------------------------------------------------------- pictures

    async def _references(
        self, messages: Sequence[discord.Message], conversation: ConversationId
    ) -> tuple[PictureRef, ...]:
        """In the order in which they appeared: the thread's first message, what is replied to, the messages."""
        groups: list[list[PictureRef]] = []
        starter = await self._starter(messages[0], conversation)
        if starter is not None:
            groups.append(self._read(starter, read_pictures(starter)))
        for message in messages:
            target = await self._target(message)
            if target is not None and target.author.id != self._me.id:
                groups.append(self._read(target, read_pictures(target)))
            groups.append(self._read(message, read_attachments(message)))
        return merge(*groups)

    def _read(self, message: discord.Message, references: list[PictureRef]) -> list[PictureRef]:
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
        """The message that is replied to; read again where Discord did not send it along."""
        reference = message.reference
        if reference is None or reference.type is discord.MessageReferenceType.forward or reference.message_id is None:
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

    # ---------------------------------------------------------------- edits

    async def _asked(self, message: discord.Message) -> Asked | None:
        """The question that was read from a message, if it is the last of its conversation."""
        asked = self._desk.recent.of_message(message.id)
        conversation = asked.mention.conversation if asked else self._conversation(message)
        known = await self._desk.conversations.load(conversation)
        turns = known.turns
        last = turns[-1].source if turns else None
        if asked is not None:
            was_answered = any(turn.source == asked.mention.source for turn in turns)
            return asked if not was_answered or last == asked.mention.source else None
        return self._from_turn(turns[-1], message, known) if last == str(message.id) else None

    def _from_turn(self, turn: Turn, message: discord.Message, known: Conversation) -> Asked:
        """As it was asked before this process lived. Its newest revision may have no turn: it was stopped, or failed."""
        mention = msgspec.structs.replace(
            self._mention(message, known.id),
            revision=known.last_revision if known.last_source == turn.source else turn.revision,
            text=turn.question,
            references=tuple(picture.ref for picture in (*turn.again, *turn.pictures)),
        )
        return Asked(mention=mention, messages=(message.id,))

    async def _reread(self, asked: Asked, message: discord.Message) -> Mention:
        """The next revision of a question, with the words and pictures that its message has now."""
        mention = asked.mention
        is_last = message.id == asked.messages[-1]
        words = read_words(message, self._me)
        kept = tuple(ref for ref in mention.references if not belongs_to(ref, message.id))
        brought = self._read(message, read_attachments(message))
        same = [ref for ref in mention.references if belongs_to(ref, message.id)]
        standing = asked.posted or await find_answer(self._desk.api, asked.mention, self._me.id)
        place = msgspec.structs.replace(Place.read(mention.reply_to), standing=standing)
        return msgspec.structs.replace(
            mention,
            revision=mention.revision + 1,
            text=words if is_last or words else mention.text,
            references=mention.references if {*same} == {*brought} else merge(kept, brought),
            reply_to=place.encode(),
            sampling=Sampling(),
        )


def _roles(message: discord.Message) -> frozenset[str]:
    return frozenset(str(role.id) for role in getattr(message.author, "roles", ()))
