"""What everything that listens to Slack works with: who answers, what is known, and how to say a word aside."""

import asyncio
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

import structlog

from bot.errors import NotPosted, PlaceGone
from bot.frontends.slack import blocks
from bot.frontends.slack.admins import Admins
from bot.frontends.slack.escaping import escape
from bot.frontends.slack.files import Files
from bot.frontends.slack.place import Place
from bot.frontends.slack.replies import Replies
from bot.frontends.slack.workspace import PATIENCE_S, Workspace
from bot.frontends.slack.workspaces import Workspaces
from bot.mention import Mention
from bot.responder import Responder
from jobs import ConversationId, ConversationStore, Job, Silences

NOTE_TYPE = "threadsight_note"  # metadata of what is no answer

_PATIENCE_S = 2.0  # whoever pressed something waits for three seconds

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """One front end at work."""

    responder: Responder
    conversations: ConversationStore
    silences: Silences
    workspaces: Workspaces
    replies: Replies
    files: Files
    admins: Admins = field(default_factory=Admins)
    _lines: WeakValueDictionary[ConversationId, asyncio.Lock] = field(
        init=False, repr=False, default_factory=WeakValueDictionary
    )

    def line(self, conversation: ConversationId) -> asyncio.Lock:
        """Where what happens to the messages of a conversation waits for what happened before."""
        return self._lines.setdefault(conversation, asyncio.Lock())

    async def workspace(self, team: str) -> Workspace:
        """The workspace that an event came from."""
        return await self.workspaces.of(team)

    async def ask(self, mention: Mention) -> Job | None:
        """See `Responder.respond`."""
        with self.replies.submitting():
            return await self.responder.respond(mention)

    async def may_act(self, workspace: Workspace, user: str, *, asker: str) -> bool:
        """Whether somebody may stop, repeat or forget what another person asked: the asker, and admins."""
        return user == asker or await self.admins.include(workspace, user)

    async def note(self, workspace: Workspace, place: Place, text: str) -> None:
        """Say something in a thread that is no answer. `text` is in Slack's markup. Where it fails, it is left out."""
        await self.attempt(
            workspace,
            "chat.postMessage",
            channel=place.channel,
            thread_ts=place.thread,
            text=text,
            blocks=[blocks.paragraph(text)],
            metadata={"event_type": NOTE_TYPE, "event_payload": {}},
            unfurl_links=False,
            unfurl_media=False,
        )

    async def whisper(self, workspace: Workspace, channel: str, user: str, text: str, *, thread: str = "") -> None:
        """Say something that only one person sees. Where it fails, it is left out."""
        in_thread = {"thread_ts": thread} if thread else {}
        said = escape(text)
        await self.attempt(
            workspace, "chat.postEphemeral", _PATIENCE_S, channel=channel, user=user, text=said, **in_thread
        )

    async def attempt(
        self, workspace: Workspace, method: str, within_s: float = PATIENCE_S, /, **arguments: object
    ) -> None:
        """Call a method whose effect is nice to have; `within_s` as in `Workspace.call`."""
        try:
            await workspace.call(method, within_s, **arguments)
        except (NotPosted, PlaceGone) as error:
            log.info("left out", method=method, team=workspace.team, error=error.sentence)
