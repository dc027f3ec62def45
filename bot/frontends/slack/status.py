"""The line that Slack shows under a thread while something is going on there.

Slack knows two ways to it, and shows what was said last: our own words (`assistant.threads.setStatus`), which it takes
away after two minutes; and the state of the thread's agent session, which `chat.startStream` opens, with Slack's own
Stop button beside it. A session that is not closed by `chat.stopStream` is shown as busy for an hour:
https://docs.slack.dev/ai/agent-sessions.
"""

import enum

import structlog

from bot.errors import NotPosted, PlaceGone
from bot.frontends.slack.place import Place
from bot.frontends.slack.workspace import Workspace

_SET = "assistant.threads.setStatus"
_SET_SESSION = "agents.sessions.setStatus"

log = structlog.get_logger()


class _Line(enum.Enum):
    NONE = enum.auto()
    OURS = enum.auto()
    OF_STREAM = enum.auto()


class StatusLine:
    """What is shown under one thread for one question; `may_stand`: an earlier process may have left a line there."""

    def __init__(self, place: Place, *, may_stand: bool = False) -> None:
        self._where = {"channel_id": place.channel, "thread_ts": place.thread}
        self._line = _Line.OURS if may_stand else _Line.NONE

    async def show(self, workspace: Workspace, text: str) -> None:
        """Say how things stand; again only while there is room for it.

        Raises:
            PlaceGone: as `Workspace.call`.
        """
        if self._line is _Line.NONE or workspace.pace.has_spare(_SET):
            self._line = _Line.OURS
            try:
                await workspace.call(_SET, **self._where, status=_after_name(text))
            except NotPosted as error:
                log.info("no status", team=workspace.team, error=error.sentence)

    def stream_opened(self) -> None:
        """Slack shows a line of its own now."""
        self._line = _Line.OF_STREAM

    def stream_closed(self) -> None:
        """And takes it away again."""
        self._line = _Line.NONE

    async def clear(self, workspace: Workspace, *, halted: bool) -> None:
        """The answer stands. `halted`: Slack's own Stop has ended the stream, which leaves the session to us.

        Where it fails it is left: it goes by itself.
        """
        line, self._line = self._line, _Line.NONE
        try:
            if halted and line is _Line.OF_STREAM:
                await self.end_session(workspace)
            elif line is not _Line.NONE and workspace.pace.has_spare(_SET):
                await workspace.call(_SET, **self._where, status="")
        except (NotPosted, PlaceGone) as error:
            log.info("status left", team=workspace.team, error=error.sentence)

    async def end_session(self, workspace: Workspace) -> None:
        """Slack shows nothing any more, and waits for the next question.

        Raises:
            NotPosted, PlaceGone: as `Workspace.call`.
        """
        await workspace.call(_SET_SESSION, **self._where, status="active")


def _after_name(text: str) -> str:
    """Slack shows a status after the app's name.

    >>> _after_name("Looking ..."), _after_name("2nd in line, about 20 s")
    ('is looking ...', 'is waiting: 2nd in line, about 20 s')
    >>> _after_name("No worker is running right now. The question waits for one ...")
    'is waiting: no worker is running right now. The question waits for one ...'
    """
    is_deed = text.endswith("ing ...") and text.count(" ") == 1
    return f"is {'' if is_deed else 'waiting: '}{text[0].lower()}{text[1:]}"
