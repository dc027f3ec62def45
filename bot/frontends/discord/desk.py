"""What everything that listens to Discord works with."""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import structlog

from bot.errors import NotPosted, PlaceGone
from bot.frontends.discord.api import Api
from bot.frontends.discord.errands import Errands
from bot.frontends.discord.errors import in_words
from bot.frontends.discord.recent import Asked, Recent
from bot.frontends.discord.references import Pictures, message_of
from bot.frontends.discord.reply import DiscordReply
from bot.mention import Mention
from bot.responder import Responder
from jobs import (
    ConversationId,
    ConversationStore,
    Eraser,
    Failed,
    Forgotten,
    Job,
    Monitor,
    PictureStore,
    Silences,
)
from jobs.errors import StoreUnavailable

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """One front end at work."""

    responder: Responder
    api: Api
    errands: Errands
    pictures: Pictures
    stored: PictureStore
    conversations: ConversationStore
    eraser: Eraser
    silences: Silences
    monitor: Monitor
    recent: Recent
    withdraw: Callable[[Callable[[Job], bool]], None]  # answers to these questions are not posted anew any more
    kept: str  # for how long, in words
    reads_everything: bool  # also messages that do not name us

    async def ask(self, mention: Mention, *, messages: tuple[int, ...] = ()) -> Job | None:
        """Have a question answered, unless it is refused; the person is told of either.

        `messages`: see `Asked`. Where the store knows a newer revision than this one (an earlier process asked it), it is
        asked as the next.
        """
        try:
            job = await self.responder.respond(mention)
            if job is not None and mention.revision and job.revision > mention.revision:
                mention = msgspec.structs.replace(mention, revision=job.revision + 1)
                job = await self.responder.respond(mention)
        except StoreUnavailable as error:
            await self.tell(mention, error)
            return None
        if job is not None:
            self.recent.remember(Asked(mention=mention, messages=messages))
        return job

    async def forget(self, conversation: ConversationId, *, wanted_by: str = "") -> Forgotten:
        """A conversation, which alone is counted. Private questions lose its pictures; those of `wanted_by` go whole.

        Raises:
            StoreUnavailable: not all of it was forgotten.
        """
        pictures = (await self.conversations.load(conversation)).pictures
        unposted = (picture.ref.origin for picture in pictures if message_of(picture.ref) is None)
        # What stood in the thread, the message that it hangs on, and what came with commands.
        origins = {conversation.thread, f"{conversation.channel}/{conversation.thread}", *unposted}
        for mention in self.recent.in_private(origins):
            if mention.conversation == conversation:
                continue
            if mention.asker == wanted_by:
                await self._forget(mention.conversation)
            else:
                for origin in origins:
                    await self.eraser.drop_origin(mention.conversation, origin)
        return await self._forget(conversation)  # last: when it is tried again, it is still known what came from there

    async def _forget(self, conversation: ConversationId) -> Forgotten:
        forgotten = await self.conversations.forget(conversation)
        self.withdraw(lambda job: job.conversation == conversation)
        self.recent.forget_where(lambda mention: mention.conversation == conversation)
        return forgotten

    async def tell(self, mention: Mention, error: Exception) -> None:
        """Tell whoever asked what stood in the way: nothing is kept of the question, so nobody would later."""
        told = in_words(error)
        job = mention.as_job(patience_s=0.0)
        reply = DiscordReply(
            job, (), api=self.api, errands=self.errands, conversations=self.conversations, note=self.recent.note
        )
        try:
            await reply.fail(Failed(code=told.code, advice=told.sentence), told.sentence)
        except (NotPosted, PlaceGone) as failure:
            log.warning("refusal not told", job=str(job.id), error=failure.sentence)


def describe_forgotten(forgotten: Forgotten) -> str:
    """What a forget removed, for the person who asked for it."""
    if not (forgotten.turns or forgotten.pictures or forgotten.conversations):
        return "There was nothing to forget."
    counts = (
        _counted(forgotten.conversations, "conversation"),
        _counted(forgotten.turns, "answered question"),
        _counted(forgotten.pictures, "picture"),
    )
    return f"Forgotten: {', '.join(counts)}. Messages on Discord stay where they are."


def _counted(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"
