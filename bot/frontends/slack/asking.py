"""Questions in messages: which message asks something of the bot, what it asks, and what becomes of it afterwards."""

import time
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import structlog

from bot.errors import BotFailed
from bot.frontends.slack.deeds import Deeds
from bot.frontends.slack.desk import Desk
from bot.frontends.slack.escaping import begins_with_name, mentions, read_text
from bot.frontends.slack.forgetting import Forgetting
from bot.frontends.slack.message import Change, Message
from bot.frontends.slack.once import Once
from bot.frontends.slack.place import Place
from bot.frontends.slack.thread import Earlier, read_earlier
from bot.frontends.slack.wish import Deed, Wish, read_wish
from bot.frontends.slack.workspace import Workspace
from bot.mention import Mention
from jobs import Conversation, ConversationId, Turn
from jobs.errors import ThreadsightError

_LATE_S = 86_400.0  # an older message that is edited is no new question
_REMEMBERED = 10_000

log = structlog.get_logger()


class Asking:
    """Messages of people, as they are written and edited."""

    def __init__(self, desk: Desk, forgetting: Forgetting) -> None:
        self._desk = desk
        self._forgetting = forgetting
        self._deeds = Deeds(desk)
        self._once = Once()
        self._strange: OrderedDict[ConversationId, None] = OrderedDict()  # threads that the bot has no part in

    async def hear(self, message: Message, *, by_name: bool = False) -> None:
        """A message was written. `by_name`: Slack says that it mentions the bot.

        Returns once a question in it is accepted; Slack may tell of it any number of times.

        Raises:
            StoreUnavailable: nothing was accepted.
        """

        async def answer() -> None:
            # In the order of writing: what follows a question is not accepted before it, nor its deletion heard.
            async with self._desk.line(message.place.conversation):
                workspace = await self._desk.workspace(message.team)
                named = by_name or workspace.bot_user in mentions(message.text)
                if named or await self._is_follow_up(message, workspace):
                    async with self._owning_up(message, workspace):
                        await self._answer(message, workspace, named=named)

        await self._once.do(("asked", message.team, message.channel, message.ts), answer)

    async def see_change(self, change: Change, *, event: str) -> None:
        """A message was edited: where it is the last question, it is answered again in the same place.

        Where it is for the bot and was no question so far, it is one from now on. A file that it lost is out of the
        conversation; where nothing else was in it, all of it is deleted.

        Raises:
            StoreUnavailable: nothing was accepted.
        """
        message = change.after
        if not change.is_real:
            return

        async def answer_again() -> None:
            async with self._desk.line(message.place.conversation):
                workspace = await self._desk.workspace(message.team)
                for origin in change.lost:
                    await self._desk.responder.memory.drop_origin(message.place.conversation, origin)
                is_left = message.files or read_text(message.text, bot_user=workspace.bot_user)
                if is_left or not change.lost:
                    await self._answer_changed(change, workspace)
                    return
            await self._forgetting.forget(message)

        await self._once.do(("changed", message.team, message.channel, message.ts, event), answer_again)

    async def _answer_changed(self, change: Change, workspace: Workspace) -> None:
        if not await self._asks_only_now(change, workspace):
            await self._answer_again(change, workspace)
            return
        async with self._owning_up(change.after, workspace):
            await self._answer(change.after, workspace, named=True)

    async def _asks_only_now(self, change: Change, workspace: Workspace) -> bool:
        """It is for the bot and was no question so far: the name was forgotten, it was refused, or nobody heard it."""
        message = change.after
        is_named = workspace.bot_user in mentions(message.text)
        if message.is_by_app or not (is_named or message.is_direct):
            return False
        if not change.names(workspace.bot_user) and isinstance(_wish_of(message, workspace), Deed):
            return False  # it was done when it was written
        if not is_named and await self._desk.silences.holds(message.place.conversation):
            return False
        return not await self._was_asked(message.place)

    async def _was_asked(self, place: Place) -> bool:
        """That very message is a question, whatever became of it, or may have been one that is not kept any more."""
        if float(place.asked) < time.time() - _LATE_S:
            return True
        conversations, here = self._desk.conversations, place.conversation
        if place.source in {job.source for job in self._desk.replies.under_way(here)}:
            return True
        known = await conversations.load(here)
        if place.source == known.last_source or float(place.asked) <= known.forgotten_at_s:
            return True
        return here in await conversations.with_source(here.tenant_key, here.channel, place.source)

    async def _is_follow_up(self, message: Message, workspace: Workspace) -> bool:
        """It is addressed to nobody, and stands where the bot is spoken with."""
        conversation = message.place.conversation
        if not message.is_direct:
            begins_thread = message.thread in {None, message.ts}
            if begins_thread or not await self._knows(conversation, message, workspace):
                return False
        if await self._desk.silences.holds(conversation):  # in a direct message nobody thinks of a mention
            return message.is_direct and _wish_of(message, workspace) is Deed.LISTEN
        return True

    async def _knows(self, conversation: ConversationId, message: Message, workspace: Workspace) -> bool:
        """The bot was asked in that thread before, and this is not meant for somebody else."""
        if begins_with_name(message.text):
            return False
        if self._desk.replies.were_in(conversation) or message.under == workspace.bot_user:  # a command's thread
            return True
        if conversation in self._strange:
            return False
        known = await self._desk.conversations.load(conversation)
        if known.turns or known.last_source:  # one that was stopped before any word has no turn
            return True
        self._strange[conversation] = None  # the store is not asked of every word of every thread
        if len(self._strange) > _REMEMBERED:
            self._strange.popitem(last=False)
        return False

    async def _answer(self, message: Message, workspace: Workspace, *, named: bool) -> None:
        self._strange.pop(message.place.conversation, None)
        self._desk.files.remember(message.team, message.files)
        wish = _wish_of(message, workspace, named=named)
        if not isinstance(wish, Wish):
            await self._deeds.do(wish, message, workspace, named=named)
        elif named or message.is_direct or wish.text or message.files:
            earlier = await self._earlier(message, workspace)
            await self._desk.ask(self._mention(message, wish, earlier))

    async def _answer_again(self, change: Change, workspace: Workspace) -> None:
        message = change.after
        conversation = await self._desk.conversations.load(message.place.conversation)
        revision = self._next_revision(change, conversation, workspace)
        if revision is None:
            return
        self._desk.files.remember(message.team, message.files)
        wish = _wish_of(message, workspace)
        if isinstance(wish, Wish):
            async with self._owning_up(message, workspace):
                earlier = await self._earlier(message, workspace)
                await self._desk.ask(self._mention(message, wish, earlier, revision=revision))

    @asynccontextmanager
    async def _owning_up(self, message: Message, workspace: Workspace) -> AsyncIterator[None]:
        """Somebody waits for an answer: a bug of ours is told, once, where Slack telling the event again would not help."""
        try:
            yield
        except ThreadsightError:
            raise
        except Exception:
            log.exception("question failed", team=message.team, channel=message.channel, ts=message.ts)
            told, thread = BotFailed().sentence, message.thread or ""
            await self._desk.whisper(workspace, message.channel, message.user, told, thread=thread)

    async def _earlier(self, message: Message, workspace: Workspace) -> Earlier:
        """What was said before the bot was asked in this thread for the first time."""
        place = message.place
        if not place.has_earlier:
            return Earlier()
        if any(job.source != place.source for job in self._desk.replies.under_way(place.conversation)):
            return Earlier()
        conversation = await self._desk.conversations.load(place.conversation)
        if any(turn.source != place.source for turn in conversation.turns):
            return Earlier()
        earlier = await read_earlier(workspace, place, since_s=conversation.forgotten_at_s)
        self._desk.files.remember(message.team, earlier.files)
        return earlier

    def _mention(self, message: Message, wish: Wish, earlier: Earlier, *, revision: int = 0) -> Mention:
        place = msgspec.structs.replace(message.place, note=earlier.note)
        before = tuple(file.as_reference(message.team) for file in earlier.files)
        room = max(0, self._desk.responder.max_pictures - len(message.references))
        # Whoever only calls the bot into a thread means what was said there last.
        calls_only = earlier.words and not (wish.text or message.files) and wish.kind == Wish().kind
        text = earlier.words[-1] if calls_only else wish.text
        return Mention(
            conversation=place.conversation,
            source=place.source,
            revision=revision,
            asker=message.user,
            kind=wish.kind,
            text=text,
            context=earlier.context(without_last=bool(calls_only)),
            references=(*(before[-room:] if room else ()), *message.references),
            reply_to=place.write(),
        )

    def _next_revision(self, change: Change, conversation: Conversation, workspace: Workspace) -> int | None:
        """The revision of an edited question; None where it is no question, not the last one, or no different."""
        source = change.after.place.source
        under_way = self._desk.replies.under_way(conversation.id)
        if under_way:
            newest = max((job.revision for job in under_way if job.source == source), default=None)
            return None if newest is None or under_way[-1].source != source else newest + 1
        if conversation.last_source != source:
            return None
        last = conversation.turns[-1] if conversation.turns else None
        is_answered = last is not None and (last.source, last.revision) == (source, conversation.last_revision)
        if last is not None and is_answered and not change.lost and _says(last, change.after, workspace):
            return None
        return conversation.last_revision + 1


def _wish_of(message: Message, workspace: Workspace, *, named: bool = False) -> Wish | Deed:
    """What a message wants, written or edited; `named`: Slack says that it mentions the bot.

    Where the bot only listens along, words are the question whatever they are, save the one that stops it. So is
    "help" beside a picture.
    """
    said = read_text(message.text, bot_user=workspace.bot_user)
    wish = read_wish(said)
    if wish is Deed.HELP and message.files:
        return Wish(text=said)
    is_for_bot = named or message.is_direct or workspace.bot_user in mentions(message.text)
    return wish if is_for_bot or wish is Deed.STOP else Wish(text=said)


def _says(turn: Turn, message: Message, workspace: Workspace) -> bool:
    """The turn is about these very words, and every file of the message is in it."""
    wish = _wish_of(message, workspace)
    origins = {picture.ref.origin for picture in turn.pictures}
    same_files = all(reference.origin in origins for reference in message.references)
    return isinstance(wish, Wish) and wish.text == turn.question and wish.kind == turn.kind and same_files
