"""What begins the thread of a question that was asked with a form: who asks what, for whoever reads along."""

import structlog

from bot.errors import NotPosted, PlaceGone
from bot.frontends.slack.blocks import paragraph
from bot.frontends.slack.desk import NOTE_TYPE
from bot.frontends.slack.errors import CallLost
from bot.frontends.slack.escaping import escape
from bot.frontends.slack.modal import Filled
from bot.frontends.slack.workspace import Workspace
from jobs import JobKind

_WISHES = {JobKind.OCR: "to read the text in", JobKind.COMPARE: "to compare"}  # what forms with files are for
_MOST_CHARACTERS = 3_000  # of a section block
_PATIENCE_S = 2.0  # whoever sent the form waits for three seconds
_LATEST = 15  # messages; an app outside Slack's Marketplace reads no more of them

log = structlog.get_logger()


class Announcement:
    """One message for one form, whatever is lost on the way."""

    def __init__(self, workspace: Workspace, filled: Filled, asker: str) -> None:
        self._workspace = workspace
        self._filled = filled
        self._said = _describe(asker, filled)
        self._standing: tuple[str, str] | None = None

    async def post(self) -> tuple[str, str]:
        """The channel and the ts that it has.

        Raises:
            NotPosted, PlaceGone: as `Workspace.call`.
        """
        try:
            posted = await self._workspace.call(
                "chat.postMessage",
                _PATIENCE_S,
                channel=self._filled.where,
                text=self._said,
                blocks=[paragraph(self._said)],
                metadata={"event_type": NOTE_TYPE, "event_payload": {"form": self._filled.id}},
                unfurl_links=False,
                unfurl_media=False,
            )
            self._standing = posted["channel"], posted["ts"]
        except CallLost:
            self._standing = await self._find()
            if self._standing is None:
                raise
        return self._standing

    async def retract(self) -> None:
        """The question was not accepted: nothing will follow."""
        assert self._standing is not None, "it was posted"
        channel, ts = self._standing
        try:
            await self._workspace.call("chat.delete", channel=channel, ts=ts)
        except (NotPosted, PlaceGone) as error:
            log.info("announcement not deleted", team=self._workspace.team, error=error.sentence)

    async def _find(self) -> tuple[str, str] | None:
        """It may stand there although nobody said so."""
        channel = self._filled.where
        page = await self._workspace.call(
            "conversations.history", _PATIENCE_S, channel=channel, limit=_LATEST, include_all_metadata=True
        )
        for message in page["messages"]:
            if ((message.get("metadata") or {}).get("event_payload") or {}).get("form") == self._filled.id:
                return channel, message["ts"]
        return None


def _describe(asker: str, filled: Filled) -> str:
    """It names the asker and mentions nobody."""
    count = len(filled.files)
    names = ", ".join(file.name or file.id for file in filled.files)
    pictures = f"{count} picture{'' if count == 1 else 's'} ({names})"
    question = f": {filled.question}" if filled.question else "."
    return escape(f"{asker} asks {_WISHES[filled.form.kind]} {pictures}{question}")[:_MOST_CHARACTERS]
