"""Questions in messages: which message asks something of the bot, what it asks, and what becomes of it afterwards."""

import asyncio
from collections import OrderedDict
from weakref import WeakValueDictionary

import msgspec
import structlog

from bot.frontends.slack.desk import Desk
from bot.frontends.slack.escaping import mentions, read_text
from bot.frontends.slack.home import HELP
from bot.frontends.slack.message import Change, Message
from bot.frontends.slack.once import Once
from bot.frontends.slack.thread import Earlier, read_earlier
from bot.frontends.slack.wish import Deed, Wish, read_wish
from bot.frontends.slack.workspace import Workspace
from bot.memory import words_for_forgotten
from bot.mention import Mention
from jobs import Conversation, ConversationId, Turn

_READING_TIME_S = 1.5  # for the earlier messages: the event must be acknowledged within 3 s
_MOST_PICTURES = 10
_MOST_CONTEXT = 4_000  # characters of what was said before, the latest: about a thousand tokens
_REMEMBERED = 10_000

_SILENT = "I will answer here only when somebody mentions me. `@me listen` brings me back."
_LISTENING = "I am listening again: no mention is needed here."

log = structlog.get_logger()


class Asking:
    """Messages of people, as they are written, edited and deleted."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._once = Once()
        self._lines: WeakValueDictionary[ConversationId, asyncio.Lock] = WeakValueDictionary()
        self._strange: OrderedDict[ConversationId, None] = OrderedDict()  # threads that the bot has no part in

    async def hear(self, message: Message, *, by_name: bool = False) -> None:
        """A message was written. `by_name`: Slack says that it mentions the bot.

        Returns once a question in it is accepted; Slack may tell of it any number of times.

        Raises:
            StoreUnavailable: nothing was accepted.
        """

        async def answer() -> None:
            workspace = await self._desk.workspace(message.team)
            named = by_name or message.is_direct or workspace.bot_user in mentions(message.text)
            if not named and message.thread in {None, message.ts}:
                return
            # In the order of writing: what follows a question is not accepted before it.
            async with self._line(message.place.conversation):
                if named or await self._is_follow_up(message, workspace):
                    await self._answer(message, workspace, named=named)

        await self._once.do(("asked", message.team, message.channel, message.ts), answer)

    async def see_change(self, change: Change, *, event: str) -> None:
        """A message was edited: where it is the last question, it is answered again in the same place.

        Raises:
            StoreUnavailable: nothing was accepted.
        """
        message = change.after
        if not change.is_real:
            return

        async def answer_again() -> None:
            workspace = await self._desk.workspace(message.team)
            conversation = await self._desk.conversations.load(message.place.conversation)
            revision = self._next_revision(message, conversation, workspace)
            if revision is None:
                return
            self._desk.files.remember(message.team, message.files)
            wish = read_wish(read_text(message.text, bot_user=workspace.bot_user))
            if isinstance(wish, Wish):
                earlier = await self._earlier(message, workspace)
                await self._desk.responder.respond(self._mention(message, wish, earlier, revision=revision))

        await self._once.do(("changed", message.team, message.channel, message.ts, event), answer_again)

    async def see_deletion(self, message: Message) -> None:
        """A message was deleted: what it asked, brought and was told goes with it.

        Raises:
            StoreUnavailable: nothing was forgotten.
        """
        place = message.place
        forgotten = await self._desk.responder.memory.forget_question(place.conversation, place.source)
        if forgotten.turns or forgotten.pictures:
            log.info("question deleted", team=message.team, turns=forgotten.turns, pictures=forgotten.pictures)

    def _line(self, conversation: ConversationId) -> asyncio.Lock:
        """Where the messages of a conversation wait for each other."""
        return self._lines.setdefault(conversation, asyncio.Lock())

    async def _is_follow_up(self, message: Message, workspace: Workspace) -> bool:
        """It stands in a thread where the bot was asked before, and is not meant for somebody else."""
        meant = mentions(message.text)
        if meant and message.text.lstrip().startswith(f"<@{meant[0]}"):
            return False
        conversation = message.place.conversation
        if conversation in self._strange:
            return False
        known = self._desk.replies.were_in(conversation) or message.under == workspace.bot_user  # a command's thread
        if known or (await self._desk.conversations.load(conversation)).turns:
            return not await self._desk.silences.holds(conversation)
        self._strange[conversation] = None  # the store is not asked of every word of every thread
        if len(self._strange) > _REMEMBERED:
            self._strange.popitem(last=False)
        return False

    async def _answer(self, message: Message, workspace: Workspace, *, named: bool) -> None:
        conversation = message.place.conversation
        self._strange.pop(conversation, None)
        self._desk.files.remember(message.team, message.files)
        said = read_text(message.text, bot_user=workspace.bot_user)
        wish = read_wish(said) if named else Wish(text=said)
        match wish:
            case Deed.HELP:
                await self._desk.note(workspace, message.place, HELP)
            case Deed.FORGET:
                forgotten = await self._desk.responder.memory.forget_conversation(conversation)
                self._desk.replies.forget(conversation)
                await self._desk.note(workspace, message.place, words_for_forgotten(forgotten))
            case Deed.STOP:
                for job in self._desk.replies.under_way(conversation):
                    await self._desk.responder.stop(job.id)
            case Deed.SILENCE:
                await self._desk.silences.begin(conversation)
                await self._desk.note(workspace, message.place, _SILENT)
            case Deed.LISTEN:
                await self._desk.silences.end(conversation)
                await self._desk.note(workspace, message.place, _LISTENING)
            case Wish():
                if not named and not said and not message.files:
                    return
                earlier = await self._earlier(message, workspace)
                await self._desk.responder.respond(self._mention(message, wish, earlier))

    async def _earlier(self, message: Message, workspace: Workspace) -> Earlier:
        """What was said before the bot was asked in this thread for the first time."""
        place = message.place
        if message.thread in {None, message.ts} or message.is_direct:
            return Earlier()
        others = [job for job in self._desk.replies.under_way(place.conversation) if job.source != place.source]
        if others:
            return Earlier()
        turns = (await self._desk.conversations.load(place.conversation)).turns
        if any(turn.source != place.source for turn in turns):
            return Earlier()
        earlier = await read_earlier(workspace, message, within_s=_READING_TIME_S)
        self._desk.files.remember(message.team, earlier.files)
        return earlier

    def _mention(self, message: Message, wish: Wish, earlier: Earlier, *, revision: int = 0) -> Mention:
        place = msgspec.structs.replace(message.place, note=earlier.note)
        before = tuple(file.as_reference(message.team) for file in earlier.files)
        room = max(0, _MOST_PICTURES - len(message.references))
        # Whoever only calls the bot into a thread means what was said there last.
        said = list(earlier.words)
        calls_only = said and not (wish.text or message.files) and wish.kind == Wish().kind
        text = said.pop() if calls_only else wish.text
        return Mention(
            conversation=place.conversation,
            source=place.source,
            revision=revision,
            asker=message.user,
            kind=wish.kind,
            text=text,
            context="\n".join(said)[-_MOST_CONTEXT:],
            references=(*(before[-room:] if room else ()), *message.references),
            reply_to=place.write(),
        )

    def _next_revision(self, message: Message, conversation: Conversation, workspace: Workspace) -> int | None:
        """The revision of an edited question; None where it is no question, not the last one, or no different."""
        source = message.place.source
        under_way = self._desk.replies.under_way(conversation.id)
        if under_way:
            newest = max((job.revision for job in under_way if job.source == source), default=None)
            return None if newest is None or under_way[-1].source != source else newest + 1
        last = conversation.turns[-1] if conversation.turns else None
        if last is None or last.source != source or _says(last, message, workspace):
            return None
        return last.revision + 1


def _says(turn: Turn, message: Message, workspace: Workspace) -> bool:
    """The turn is about these very words, and every file of the message is in it."""
    wish = read_wish(read_text(message.text, bot_user=workspace.bot_user))
    origins = {picture.ref.origin for picture in turn.pictures}
    same_files = all(reference.origin in origins for reference in message.references)
    return isinstance(wish, Wish) and wish.text == turn.question and wish.kind == turn.kind and same_files
