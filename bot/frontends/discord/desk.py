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

    async def ask(
        self, mention: Mention, *, messages: tuple[int, ...] = (), beside: ConversationId | None = None
    ) -> Job | None:
        """Have a question answered, unless it is refused; the person is told of either.

        `messages`, `beside`: see `Asked`. Where the store knows a newer revision than this one (an earlier process asked
        it), it is asked as the next.
        """
        try:
            job = await self.responder.respond(mention)
            if job is not None and mention.revision and job.revision > mention.revision:
                mention = msgspec.structs.replace(mention, revision=job.revision + 1)
                job = await self.responder.respond(mention)
        except StoreUnavailable as error:
            await self.tell(mention, error)
            return None
        if job is None:  # refused: an edit of its message asks after all, as this revision
            mention = msgspec.structs.replace(mention, revision=mention.revision - 1)
        self.recent.remember(Asked(mention=mention, messages=messages, beside=beside))
        return job

    async def forget(self, conversation: ConversationId, *, wanted_by: str = "") -> Forgotten:
        """A conversation, with private questions of `wanted_by` about its pictures; those of others only lose these.

        Nothing is counted of others' private questions: that they asked is theirs to know.

        Raises:
            StoreUnavailable: not all of it was forgotten.
        """
        known = await self.conversations.load(conversation)
        # What stood in the thread, and what came with commands: of no use to anybody when the thread is gone.
        here = {conversation.thread, *(one.ref.origin for one in known.pictures if message_of(one.ref) is None)}
        shown = here | {one.ref.origin for one in known.pictures}
        may_touch_others = (
            bool(known.turns) or not wanted_by
        )  # whoever asked nothing here has nothing to forget for them
        counts = []
        for asked in self.recent.in_private(conversation, here):
            private = asked.mention.conversation
            if private == conversation:
                continue
            if asked.mention.asker == wanted_by:
                counts.append(await self._forget(private))
            elif may_touch_others:
                for origin in shown if asked.beside == conversation else here:
                    await self.eraser.drop_origin(private, origin)
        # Last: when it is tried again, it is still known what came from there.
        return Forgotten.all_of([*counts, await self._forget(conversation)])

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
