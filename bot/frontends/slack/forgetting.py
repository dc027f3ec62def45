"""What is deleted in Slack is forgotten here, and what was said about it goes too."""

import asyncio

import structlog

from bot.errors import NotPosted, PlaceGone
from bot.frontends.slack.desk import Desk
from bot.frontends.slack.errors import CallRefused
from bot.frontends.slack.message import Message
from bot.frontends.slack.once import Once
from bot.frontends.slack.place import PLATFORM, Place
from jobs import ConversationId, JobId
from jobs.errors import StoreUnavailable

_PAUSES_S = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)  # a hiccup of Slack is over by then

log = structlog.get_logger()


class Forgetting:
    """Deletions, as Slack tells of them. Most are of messages that nobody asked anything with."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._once = Once()
        self._answered: set[tuple[ConversationId, str]] = set()  # questions that are being forgotten
        self._removing: set[asyncio.Task[None]] = set()

    async def see_deletion(self, message: Message) -> None:
        """A message was deleted: what it asked, brought and was told goes with it.

        Raises:
            StoreUnavailable: nothing was forgotten.
        """
        await self._once.do((message.team, message.channel, message.ts), lambda: self.forget(message))

    async def forget(self, message: Message) -> None:
        """What a message asked, brought and was told.

        Raises:
            StoreUnavailable: nothing was forgotten.
        """
        place = message.place
        memory = self._desk.responder.memory
        async with self._desk.line(place.conversation):
            turns = (await self._desk.conversations.load(place.conversation)).turns
            if any(turn.source == place.source for turn in turns):
                # Of a deletion that is told again, the store knows no question any more.
                self._answered.add(place.question)
            forgotten = await memory.forget_question(place.conversation, place.source)
        # It may have brought pictures to somebody else's question in its thread.
        for origin in {reference.origin for reference in message.references}:
            await memory.drop_origin(place.conversation, origin)
        if forgotten.turns or place.question in self._answered:
            log.info("question deleted", team=message.team, pictures=forgotten.pictures)
            self._begin_removing(place)
        self._answered.discard(place.question)

    async def see_leaving(self, team: str) -> None:
        """The bot was removed from a workspace: everything of it goes.

        Raises:
            StoreUnavailable: nothing was forgotten.
        """
        tenant_key = ConversationId(platform=PLATFORM, tenant=team, channel="").tenant_key
        forgotten = await self._desk.responder.memory.forget_place(tenant_key)
        await self._desk.workspaces.leave(team)
        log.info("workspace left", team=team, turns=forgotten.turns, pictures=forgotten.pictures)

    def _begin_removing(self, place: Place) -> None:
        """What was answered may quote what was deleted. Slack may take its time: nobody waits for it."""
        for reply in self._desk.replies.live(lambda job: (job.conversation, job.source) == place.question):
            reply.withdraw()
        task = asyncio.create_task(self._remove_answer(place))
        self._removing.add(task)
        task.add_done_callback(self._removing.discard)

    async def _remove_answer(self, place: Place) -> None:
        """Where Slack does not let it go, it stays."""
        job = JobId(tenant_key=place.conversation.tenant_key, source=place.source)
        for pause_s in (*_PAUSES_S, None):
            try:
                workspace = await self._desk.workspace(place.team)
                await self._desk.replies.posts_of(place, job).remove(workspace, job)
            except (NotPosted, PlaceGone, StoreUnavailable) as error:
                log.info("answer not deleted", team=place.team, error=error.sentence)
                if pause_s is None or isinstance(error, (CallRefused, PlaceGone)):
                    return
                await asyncio.sleep(pause_s)
            else:
                return
