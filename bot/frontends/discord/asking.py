"""Questions in messages: which of them ask something of us, in which order, and with which words."""

import asyncio
from collections.abc import Sequence
from weakref import WeakValueDictionary

import discord
import structlog

from bot.errors import NotPosted
from bot.frontends.discord.api import Part
from bot.frontends.discord.desk import Desk
from bot.frontends.discord.errors import PostRefused
from bot.frontends.discord.gathering import Gathering
from bot.frontends.discord.help import describe_help
from bot.frontends.discord.pace import Urgency
from bot.frontends.discord.questions import Questions
from bot.frontends.discord.reading import (
    Meant,
    asks_for_help,
    asks_to_start,
    asks_to_stop,
    for_whom,
    is_our_thread,
    read_words,
)
from bot.frontends.discord.references import read_attachments
from jobs import ConversationId

_STOPPED = 'I no longer listen here. Mention me to ask; "start listening" brings me back.'
_STARTED = "I am listening again."
_AT_ONCE = 8  # messages that are read and submitted: when a crowd writes, everything else has its turns too

log = structlog.get_logger()


class Asking:
    """Messages of people, as they are written."""

    def __init__(self, desk: Desk, me: discord.ClientUser, questions: Questions, *, patience_s: float) -> None:
        self._desk = desk
        self._me = me
        self._questions = questions
        self._gathering = Gathering(patience_s)
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._orders: WeakValueDictionary[ConversationId, asyncio.Lock] = WeakValueDictionary()
        self._heard = asyncio.Condition()
        self._hearing: set[int] = set()  # messages that are read just now

    async def hear(self, message: discord.Message) -> None:
        """A message was written."""
        self._hearing.add(message.id)
        try:
            await self._hear(message)
        finally:
            self._hearing.discard(message.id)
            async with self._heard:
                self._heard.notify_all()

    async def amend(self, message: discord.Message) -> bool:
        """A message was edited: whether it will be asked as it is now; one that is being read is asked first."""
        if self._gathering.amend(message, has_words=bool(read_words(message, self._me))):
            return True
        await self._until_heard(message.id)
        return False

    async def let_go(self, message: int) -> None:
        """A message was deleted: where its words are still waited for it is left out, else it is asked first."""
        self._gathering.withdraw(message)
        self._questions.forwards.withdraw(message)
        await self._until_heard(message)

    async def _until_heard(self, message: int) -> None:
        async with self._heard:
            await self._heard.wait_for(lambda: message not in self._hearing)

    async def _hear(self, message: discord.Message) -> None:
        follows = message.guild is None or is_our_thread(message.channel, self._me)
        if not follows:  # where a forward asks nothing by itself
            self._questions.forwards.note(message)
        meant = for_whom(message, self._me)
        if meant is Meant.FOR_OTHERS:
            return
        words = read_words(message, self._me)
        if self._gathering.offer(message, has_words=bool(words)):
            return
        if meant is Meant.OPEN and not (follows and (words or read_attachments(message))):
            return
        conversation = self._questions.conversation(message)
        # No waiting before this line: questions of one conversation are taken in the order in which they came.
        async with self._orders.setdefault(conversation, asyncio.Lock()):
            try:
                await self._answer(message, meant, words, conversation)
            except Exception as error:  # noqa: BLE001 - whoever wrote is told, of a bug of ours too
                await self._desk.tell(self._questions.mention(message, conversation), error)

    async def _answer(self, message: discord.Message, meant: Meant, words: str, conversation: ConversationId) -> None:
        """Raises: StoreUnavailable."""
        if await self._minds(message, conversation, words) or await self._helps(message, meant, words):
            return
        if meant is Meant.OPEN and await self._desk.silences.holds(conversation):
            return
        messages = [message] if words else await self._gather(message)
        if not messages:  # all of them were deleted
            return
        if messages[0] is not message:
            conversation = self._questions.conversation(messages[0])
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

    async def _helps(self, message: discord.Message, meant: Meant, words: str) -> bool:
        """Whether it asked for no more than help, of nobody but the bot."""
        is_for_bot = meant is Meant.FOR_US or message.guild is None
        is_about_something = bool(message.attachments or message.reference)
        if is_about_something or not (is_for_bot and asks_for_help(words)):
            return False
        await self._note(message, await describe_help(self._desk))
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
        self._hearing.update(message.id for message in messages)
        try:
            async with self._room:
                mention = await self._questions.read(messages, conversation)
                await self._desk.ask(mention, messages=tuple(message.id for message in messages))
        finally:
            self._hearing.difference_update(message.id for message in messages)
