"""What the bot does by name, other than answering: help, forget, stop, keep out of a thread."""

from bot.frontends.slack.desk import Desk
from bot.frontends.slack.home import HELP, KEPT
from bot.frontends.slack.message import Message
from bot.frontends.slack.wish import Deed
from bot.frontends.slack.workspace import Workspace
from bot.memory import words_for_forgotten

NOT_YOURS = "Only the person who asked, or an admin, can do that."

_NOT_ONLY_YOURS = "Others asked here too. An admin can have all of it forgotten; `/forget` forgets what you asked."
_ONLY_YOURS = (
    "Nothing that you asked is being answered here. An admin who mentions me with `stop` can stop what others asked."
)
_NOTHING_TO_STOP = "Nothing is being answered here."
_SILENT = "I will answer here only when somebody mentions me. Mention me with `listen` to bring me back."
_LISTENING = "I am listening again: no mention is needed here."


class Deeds:
    """Done in the thread, or the direct message, where somebody asked for them."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def do(self, deed: Deed, message: Message, workspace: Workspace, *, named: bool) -> None:
        """Do it, and say so. `named`: it was said to the bot, not only where the bot listens along.

        Raises:
            StoreUnavailable: nothing was done.
        """
        match deed:
            case Deed.HELP:
                kept = self._desk.responder.memory.kept_for
                await self._desk.note(workspace, message.place, f"{HELP}\n\n{KEPT.format(kept=kept)}")
            case Deed.FORGET:
                await self._forget(message, workspace)
            case Deed.STOP:
                await self._stop(message, workspace, named=named)
            case Deed.SILENCE:
                await self._desk.silences.begin(message.place.conversation)
                await self._desk.note(workspace, message.place, _SILENT)
            case Deed.LISTEN:
                await self._desk.silences.end(message.place.conversation)
                await self._desk.note(workspace, message.place, _LISTENING)

    async def _forget(self, message: Message, workspace: Workspace) -> None:
        """The whole conversation: for whoever asked all of it."""
        conversation = message.place.conversation
        askers = (await self._desk.conversations.load(conversation)).askers
        for asker in askers - {message.user}:
            if not await self._desk.may_act(workspace, message.user, asker=asker):
                await self._whisper(message, workspace, _NOT_ONLY_YOURS)
                return
        under_way = self._desk.replies.live(lambda job: job.conversation == conversation)
        forgotten = await self._desk.responder.memory.forget_conversation(conversation)
        for reply in under_way:
            reply.withdraw()
        self._desk.replies.forget(conversation)
        await self._desk.note(workspace, message.place, words_for_forgotten(forgotten))

    async def _stop(self, message: Message, workspace: Workspace, *, named: bool) -> None:
        """What the person asked here. What others asked: for an admin who names the bot."""
        under_way = self._desk.replies.under_way(message.place.conversation)
        theirs = [
            job
            for job in under_way
            if job.asker == message.user
            or (named and await self._desk.may_act(workspace, message.user, asker=job.asker))
        ]
        for job in theirs:
            await self._desk.responder.stop(job.id)
        if not theirs:
            not_theirs = NOT_YOURS if named else _ONLY_YOURS
            await self._whisper(message, workspace, not_theirs if under_way else _NOTHING_TO_STOP)

    async def _whisper(self, message: Message, workspace: Workspace, text: str) -> None:
        await self._desk.whisper(workspace, message.channel, message.user, text, thread=message.thread or "")
