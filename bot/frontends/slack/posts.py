"""The messages that stand in a thread for one question: posted once, edited from then on, found again when in doubt.

Each carries its job's id as metadata. Where a post may have taken effect without our hearing of it, the thread is
searched for that id before anything is posted again.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence

import msgspec
import structlog

from bot.frontends.slack.blocks import Block
from bot.frontends.slack.errors import CallLost, CallRefused
from bot.frontends.slack.place import Place
from bot.frontends.slack.workspace import Answer, Workspace
from jobs import JobId

EVENT_TYPE = "threadsight_answer"

_PAGE = 200
_MOST_PAGES = 5
_STREAMING = "streaming_state_conflict"  # chat.update of a message whose stream is still open
_NOT_STREAMING = "message_not_in_streaming_state"
_MISSING = "message_not_found"

log = structlog.get_logger()


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One message."""

    text: str  # escaped; what notifications show
    blocks: list[Block]


class Posts:
    """What stands for one question, whatever its revision. `ids` are the messages' ts, in order."""

    def __init__(self, place: Place, ids: Sequence[str], *, is_sure: bool) -> None:
        self.place = place
        self.ids = list(ids)
        self.lock = asyncio.Lock()  # two revisions may be on their way at once
        self.is_sure = is_sure  # nothing of ours stands there unseen

    async def put(self, workspace: Workspace, job: JobId, parts: Sequence[Part]) -> None:
        """Have these stand there, and nothing else: edits what stands, posts the rest, deletes what is over.

        Raises:
            NotPosted, PlaceGone: see `bot.frontend.Reply`.
        """
        if not self.is_sure and len(parts) > len(self.ids):
            await self.find(workspace, job)
        for index, part in enumerate(parts):
            if index < len(self.ids):
                await self._edit(workspace, job, index, part)
            else:
                await self._post(workspace, job, index, part)
        while len(self.ids) > len(parts):
            await self._delete(workspace, self.ids[-1])
            self.ids.pop()

    async def find(self, workspace: Workspace, job: JobId) -> None:
        """Look at what stands in the thread, and be sure of it from then on.

        Raises:
            NotPosted, PlaceGone: it cannot be looked at.
        """
        ours: dict[int, str] = {}
        async for message in self._thread(workspace):
            part = _part_of(message, job)
            if part is None and _is_cut_off(message, workspace, self.place):
                part = 0
            if part is not None:
                ours.setdefault(part, message["ts"])
        self.ids = [ours[part] for part in sorted(ours)] or self.ids
        self.is_sure = True

    async def has_file(self, workspace: Workspace, name: str, size_bytes: int) -> bool:
        """A file of ours stands in the thread already, posted after the question.

        Raises:
            NotPosted, PlaceGone: it cannot be looked at.
        """
        async for message in self._thread(workspace):
            files = message.get("files") or ()
            if message.get("user") == workspace.bot_user and any(
                file.get("name") == name and file.get("size") == size_bytes for file in files
            ):
                return True
        return False

    def add(self, ts: str) -> None:
        """A stream has been opened: it stands there as a message."""
        self.ids.append(ts)

    def doubt(self) -> None:
        """Something may have been posted that we did not hear of."""
        self.is_sure = False

    async def _thread(self, workspace: Workspace) -> AsyncIterator[Answer]:
        """The thread's messages after the question."""
        cursor = ""
        for _ in range(_MOST_PAGES):
            page = await workspace.call(
                "conversations.replies",
                channel=self.place.channel,
                ts=self.place.thread,
                oldest=self.place.asked,
                limit=_PAGE,
                include_all_metadata=True,
                **({"cursor": cursor} if cursor else {}),
            )
            for message in page["messages"]:
                yield message
            cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return

    async def _post(self, workspace: Workspace, job: JobId, index: int, part: Part) -> None:
        try:
            posted = await workspace.call(
                "chat.postMessage",
                channel=self.place.channel,
                thread_ts=self.place.thread,
                text=part.text,
                blocks=part.blocks,
                metadata=metadata(job, index),
                unfurl_links=False,
                unfurl_media=False,
            )
        except (CallLost, asyncio.CancelledError):
            self.doubt()
            raise
        self.ids.append(posted["ts"])

    async def _edit(self, workspace: Workspace, job: JobId, index: int, part: Part) -> None:
        async def update() -> Answer:
            return await workspace.call(
                "chat.update",
                channel=self.place.channel,
                ts=self.ids[index],
                text=part.text,
                blocks=part.blocks,
                metadata=metadata(job, index),
            )

        try:
            await update()
        except CallRefused as error:
            if error.reason == _STREAMING:  # a stream of an earlier process
                await self._close_stream(workspace, self.ids[index])
                await update()
            elif error.reason == _MISSING:  # somebody deleted it
                self.ids.pop(index)
                await self._post(workspace, job, index, part)
            else:
                raise

    async def _close_stream(self, workspace: Workspace, ts: str) -> None:
        try:
            await workspace.call("chat.stopStream", channel=self.place.channel, ts=ts)
        except CallRefused as error:
            if error.reason != _NOT_STREAMING:
                raise

    async def _delete(self, workspace: Workspace, ts: str) -> None:
        try:
            await workspace.call("chat.delete", channel=self.place.channel, ts=ts)
        except CallRefused as error:
            if error.reason != _MISSING:
                log.info("not deleted", ts=ts, error=error.sentence)


def metadata(job: JobId, part: int) -> dict[str, object]:
    """What makes a message ours: https://docs.slack.dev/messaging/message-metadata."""
    return {"event_type": EVENT_TYPE, "event_payload": {"job": str(job), "part": part}}


def _part_of(message: Answer, job: JobId) -> int | None:
    """Which part of this question's answer a message is, whatever the revision."""
    carried = message.get("metadata") or {}
    if carried.get("event_type") != EVENT_TYPE:
        return None
    payload = carried.get("event_payload") or {}
    posted = JobId.read(payload["job"])
    return int(payload["part"]) if (posted.tenant_key, posted.source) == (job.tenant_key, job.source) else None


def _is_cut_off(message: Answer, workspace: Workspace, place: Place) -> bool:
    """A stream that was opened and never closed: it gets its metadata only when it is closed."""
    return (
        message.get("bot_id") == workspace.bot
        and not message.get("metadata")
        and not message.get("files")
        and place.is_direct
        and message["ts"] > place.asked
    )
