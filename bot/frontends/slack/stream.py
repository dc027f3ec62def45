"""Slack's own streaming: words appear as they are appended. Only where the reader is alone with the bot.

https://docs.slack.dev/reference/methods/chat.startStream. Slack ends a stream by itself after about five minutes.
"""

import asyncio
from collections.abc import Sequence

from bot.frontends.slack.blocks import Block
from bot.frontends.slack.errors import CallLost, CallRefused
from bot.frontends.slack.place import Place
from bot.frontends.slack.workspace import Workspace

MOST_CHARACTERS = 10_500  # of one streamed message; what is longer is posted in parts in the end

_START, _APPEND, _STOP = "chat.startStream", "chat.appendStream", "chat.stopStream"
_EXPIRED = "message_not_in_streaming_state"


class Stream:
    """One streamed message. `sent` is what stands in it, escaped."""

    def __init__(self, place: Place, ts: str, sent: str) -> None:
        self.ts = ts
        self.sent = sent
        self.is_open = True
        self._place = place

    @classmethod
    async def open(cls, place: Place, workspace: Workspace, text: str) -> "Stream":
        """Begin with these words.

        Raises:
            NotPosted, PlaceGone: as `Workspace.call`.
        """
        started = await workspace.call(
            _START,
            channel=place.channel,
            thread_ts=place.thread,
            recipient_team_id=place.team,
            recipient_user_id=place.user,
            markdown_text=text,
        )
        stream = cls(place, started["ts"], text)
        workspace.pace.promise(_STOP, stream)
        return stream

    @staticmethod
    def is_possible(place: Place, workspace: Workspace) -> bool:
        """Somebody reads it as it comes, and there is room to open one and to close it again."""
        return place.is_direct and workspace.pace.has_spare(_START) and workspace.pace.has_spare(_STOP)

    def can_become(self, text: str) -> bool:
        """The text continues what stands there, and fits."""
        return self.is_open and text.startswith(self.sent) and len(text) <= MOST_CHARACTERS

    async def append(self, workspace: Workspace, text: str) -> None:
        """Have it read `text`; when Slack has ended the stream it is closed for good.

        Raises:
            NotPosted, PlaceGone: as `Workspace.call`.
        """
        rest = text[len(self.sent) :]
        if not rest or not workspace.pace.has_spare(_APPEND):
            return
        try:
            await workspace.call(_APPEND, channel=self._place.channel, ts=self.ts, markdown_text=rest)
        except (CallLost, asyncio.CancelledError):  # nobody knows what stands there now: the end replaces it
            self.is_open = False
            raise
        except CallRefused as error:
            if error.reason != _EXPIRED:
                raise
            self.is_open = False
            return
        self.sent = text

    async def close(
        self,
        workspace: Workspace,
        text: str,
        *,
        blocks: Sequence[Block] = (),
        metadata: dict[str, object] | None = None,
    ) -> bool:
        """End with `text` and these blocks under it. False: Slack had ended it, and nothing was added.

        Raises:
            NotPosted, PlaceGone: as `Workspace.call`.
        """
        self.is_open = False
        workspace.pace.keep_promise(_STOP, self)
        rest = text[len(self.sent) :]
        optional: dict[str, object] = {"markdown_text": rest, "blocks": list(blocks), "metadata": metadata}
        try:
            await workspace.call(
                _STOP,
                channel=self._place.channel,
                ts=self.ts,
                **{name: value for name, value in optional.items() if value},
            )
        except CallRefused as error:
            if error.reason != _EXPIRED:
                raise
            return False
        return True
