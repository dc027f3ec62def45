"""The messages that stand in a thread for one question: posted once, edited from then on, found again when in doubt.

Each carries its job's id as metadata. Where a post may have taken effect without our hearing of it, the thread is
searched for that id before anything is posted again.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field

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
_NOT_EDITABLE = frozenset({_MISSING, "cant_update_message", "edit_window_closed"})  # deleted, or a workspace's own rule

Metadata = dict[str, object]

log = structlog.get_logger()


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One message."""

    text: str  # escaped; what notifications show
    blocks: list[Block]


@dataclass
class Search:
    """How far a thread has been looked through. Where Slack gives a page a minute, another try goes on from there."""

    pages: int = 0
    cursor: str = ""
    found: dict[int, str] = field(default_factory=dict)  # ts by part

    @property
    def is_over(self) -> bool:
        """All of it was seen, or as much as anybody looks at."""
        return self.pages == _MOST_PAGES or (self.pages > 0 and not self.cursor)


class Posts:
    """What stands for one question, whatever its revision. `ids` are the messages' ts, in order."""

    def __init__(self, place: Place, ids: Sequence[str], *, is_sure: bool) -> None:
        self.place = place
        self.ids = list(ids)
        self.lock = asyncio.Lock()  # two revisions may be on their way at once
        self.is_sure = is_sure  # nothing of ours stands there unseen
        self._files: tuple[str, ...] = ()
        self._search = Search()

    async def put(self, workspace: Workspace, job: JobId, parts: Sequence[Part], *, files: Sequence[str] = ()) -> None:
        """Have these stand there, and nothing else: edits what stands, posts the rest, deletes what is over.

        `files` are the ids of those beside the answer: they go with it, and those of an earlier revision go now.

        Raises:
            NotPosted, PlaceGone: see `bot.frontend.Reply`.
        """
        if not self.is_sure and len(parts) > len(self.ids):
            await self.find(workspace, job)
        await self._delete_files(workspace, [file for file in self._files if file not in files])
        self._files = tuple(files)
        for index, part in enumerate(parts):
            about = metadata(job, index, files)
            if index < len(self.ids) and await self._edit(workspace, self.ids[index], part, about):
                continue
            await self._cut(workspace, index)  # what follows is posted again too: the order stays
            await self._post(workspace, part, about)
        await self._cut(workspace, len(parts))

    def own(self, files: Sequence[str]) -> None:
        """These stand beside the answer that is to come: they go with it, or with the question."""
        self._files = tuple(dict.fromkeys((*self._files, *files)))

    async def remove(self, workspace: Workspace, job: JobId) -> None:
        """Take away whatever stands for the question, with its files.

        Raises:
            NotPosted, PlaceGone: it cannot be looked at.
        """
        async with self.lock:
            if not self.is_sure:
                await self.find(workspace, job)
            await self.clear(workspace)

    async def clear(self, workspace: Workspace, files: Sequence[str] = ()) -> None:
        """Take away what is known to stand for the question, its files and these `files`. The caller holds `lock`."""
        await self._delete_files(workspace, dict.fromkeys((*self._files, *files)))
        await self._cut(workspace, 0)
        self._files = ()

    async def find(self, workspace: Workspace, job: JobId) -> None:
        """Look at what stands in the thread, and be sure of it from then on.

        Raises:
            NotPosted, PlaceGone: it cannot be looked at, or not to its end; the next try goes on from there.
        """
        goes_on = self._search.pages > 0
        try:
            await self._look(workspace, job)
        except CallRefused:
            self._search = Search()
            if not goes_on:
                raise
            await self._look(workspace, job)  # from the beginning: a cursor does not last

    async def _look(self, workspace: Workspace, job: JobId) -> None:
        found = self._search.found
        async for message in self._thread(workspace, self._search):
            part = _part_of(message, job)
            if part is None and _is_cut_off(message, workspace, self.place):
                part = 0
            if part is not None:
                found.setdefault(part, message["ts"])
                self._files = _files_of(message) or self._files
        self.ids = [found[part] for part in sorted(found)] or self.ids
        self.is_sure = True
        self._search = Search()

    async def find_file(self, workspace: Workspace, name: str, size_bytes: int) -> list[str]:
        """The id of a file of ours that stands in the thread already, posted after the question; or nothing.

        Raises:
            NotPosted, PlaceGone: it cannot be looked at.
        """
        async for message in self._thread(workspace, Search()):
            for file in message.get("files") or ():
                if message.get("user") == workspace.bot_user and (file.get("name"), file.get("size")) == (
                    name,
                    size_bytes,
                ):
                    return [str(file["id"])]
        return []

    def add(self, ts: str) -> None:
        """A stream has been opened: it stands there as a message."""
        self.ids.append(ts)

    def doubt(self) -> None:
        """Something may have been posted that we did not hear of."""
        self.is_sure = False

    async def _thread(self, workspace: Workspace, search: Search) -> AsyncIterator[Answer]:
        """The thread's messages after the question, from where the search stands."""
        while not search.is_over:
            page = await workspace.call(
                "conversations.replies",
                channel=self.place.channel,
                ts=self.place.thread,
                oldest=self.place.asked,
                limit=_PAGE,
                include_all_metadata=True,
                **({"cursor": search.cursor} if search.cursor else {}),
            )
            for message in page["messages"]:
                yield message
            search.cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
            search.pages += 1

    async def _post(self, workspace: Workspace, part: Part, about: Metadata) -> None:
        try:
            posted = await workspace.call(
                "chat.postMessage",
                channel=self.place.channel,
                thread_ts=self.place.thread,
                text=part.text,
                blocks=part.blocks,
                metadata=about,
                unfurl_links=False,
                unfurl_media=False,
            )
        except (CallLost, asyncio.CancelledError):
            self.doubt()
            raise
        self.ids.append(posted["ts"])

    async def _edit(self, workspace: Workspace, ts: str, part: Part, about: Metadata) -> bool:
        """False: it cannot be edited any more."""

        async def update() -> Answer:
            return await workspace.call(
                "chat.update", channel=self.place.channel, ts=ts, text=part.text, blocks=part.blocks, metadata=about
            )

        try:
            await update()
        except CallRefused as error:
            if error.reason == _STREAMING:  # a stream of an earlier process
                await self._close_stream(workspace, ts)
                await update()
            elif error.reason in _NOT_EDITABLE:
                return False
            else:
                raise
        return True

    async def _cut(self, workspace: Workspace, first: int) -> None:
        """Delete what stands from there on."""
        while len(self.ids) > first:
            await self._try(workspace, "chat.delete", channel=self.place.channel, ts=self.ids[-1])
            self.ids.pop()

    async def _delete_files(self, workspace: Workspace, files: Iterable[str]) -> None:
        for file in files:
            await self._try(workspace, "files.delete", file=file)

    async def _close_stream(self, workspace: Workspace, ts: str) -> None:
        try:
            await workspace.call("chat.stopStream", channel=self.place.channel, ts=ts)
        except CallRefused as error:
            if error.reason != _NOT_STREAMING:
                raise

    async def _try(self, workspace: Workspace, method: str, **arguments: str) -> None:
        try:
            await workspace.call(method, **arguments)
        except CallRefused as error:  # it is gone already, or it has to stay
            log.info("not deleted", method=method, error=error.sentence)


def metadata(job: JobId, part: int, files: Sequence[str] = ()) -> Metadata:
    """What makes a message ours: https://docs.slack.dev/messaging/message-metadata."""
    with_files = {"files": list(files)} if files else {}
    return {"event_type": EVENT_TYPE, "event_payload": {"job": str(job), "part": part, **with_files}}


def _part_of(message: Answer, job: JobId) -> int | None:
    """Which part of this question's answer a message is, whatever the revision."""
    carried = message.get("metadata") or {}
    if carried.get("event_type") != EVENT_TYPE:
        return None
    payload = carried.get("event_payload") or {}
    posted = JobId.read(payload["job"])
    return int(payload["part"]) if (posted.tenant_key, posted.source) == (job.tenant_key, job.source) else None


def _files_of(message: Answer) -> tuple[str, ...]:
    """Those that an answer names as its own."""
    return tuple(((message.get("metadata") or {}).get("event_payload") or {}).get("files") or ())


def _is_cut_off(message: Answer, workspace: Workspace, place: Place) -> bool:
    """A stream that was opened and never closed: it gets its metadata only when it is closed."""
    return (
        message.get("bot_id") == workspace.bot
        and not message.get("metadata")
        and not message.get("files")
        and place.is_direct
        and message["ts"] > place.asked
    )
