"""The reply to one question: a sign at once, the words as they come, the answer in the end.

In a direct message the sign is Slack's status line and the words are streamed. In a channel the sign is a message,
which is edited. When many are asking at once, what may be left out is left out: a status instead of a message, no
words on the way, and the answer in one post.
"""

import asyncio
from collections.abc import Sequence

import msgspec
import structlog

from bot.frontend import Posted
from bot.frontends.slack import blocks
from bot.frontends.slack.blocks import Block
from bot.frontends.slack.errors import CallLost, CallRefused
from bot.frontends.slack.escaping import escape
from bot.frontends.slack.files import Files
from bot.frontends.slack.place import Place
from bot.frontends.slack.posts import Part, Posts, metadata
from bot.frontends.slack.status import StatusLine
from bot.frontends.slack.stream import Stream
from bot.frontends.slack.workspace import Workspace
from bot.frontends.slack.workspaces import WebClients, Workspaces
from bot.tables import list_differences, numbers_compared
from jobs import Cancelled, ConversationStore, Done, Failed, Job, JobKind

_FILE = "file/"  # marks the id of a file in the ledger; everything else there is a message
_UPDATE = "chat.update"
_TOO_MUCH = frozenset({"invalid_blocks", "msg_blocks_too_long", "msg_too_long"})

log = structlog.get_logger()


class SlackReply:
    """`Reply` in a thread."""

    def __init__(
        self,
        job: Job,
        posts: Posts,
        posted: Posted,
        *,
        workspaces: Workspaces,
        files: Files,
        clients: WebClients,
        conversations: ConversationStore,
    ) -> None:
        self.job = job
        self._posts = posts
        self._place = posts.place
        self._files = files
        self._clients = clients
        self._workspaces = workspaces
        self._conversations = conversations
        self._uploaded = [name for name in posted if name.startswith(_FILE)]
        self._may_be_uploaded = not posts.is_sure
        self._stream: Stream | None = None
        self._status = StatusLine(posts.place, may_stand=not posts.is_sure)
        self._is_halted = False
        self._is_withdrawn = False

    @property
    def place(self) -> Place:
        """Where it stands."""
        return self._place

    def halt(self) -> None:
        """Slack's own Stop was pressed: nothing is shown any more but the end."""
        self._is_halted = True

    def withdraw(self) -> None:
        """Its question was forgotten: in the end nothing stands there, whatever the answer."""
        self._is_halted = self._is_withdrawn = True

    async def show(self, text: str, *, progress: bool) -> Posted:
        """See `Reply.show`."""
        workspace = await self._workspace()
        async with self._posts.lock:
            if self._is_halted:
                return self._posted
            if progress:
                await self._show_progress(workspace, text)
            else:
                await self._show_draft(workspace, text)
        return self._posted

    async def attach(self, name: str, content: bytes) -> Posted:
        """See `Reply.attach`."""
        if self._is_withdrawn:
            return self._posted
        workspace = await self._workspace()
        if self._may_be_uploaded and not self._uploaded:
            found = await self._posts.find_file(workspace, name, len(content))
            self._uploaded += [f"{_FILE}{file}" for file in found]
        self._may_be_uploaded = False
        if not self._uploaded:
            try:
                file = await self._files.upload(
                    self._clients.session, workspace, self._place, name=name, content=content
                )
            except (CallLost, asyncio.CancelledError):
                self._may_be_uploaded = True
                raise
            self._uploaded.append(f"{_FILE}{file}")
        self._posts.own(self._file_ids)
        return self._posted

    async def finish(self, done: Done) -> Posted:
        """See `Reply.finish`."""
        below = blocks.below_answer(self.job, (*done.notices, self._place.note))
        return await self._end(await self._as_compared(done.text), below)

    async def fail(self, ending: Failed | Cancelled, sentence: str) -> Posted:
        """See `Reply.fail`.

        What was never accepted is told to the asker alone where others read along, or where an answer stands.
        """
        if isinstance(ending, Cancelled) and ending.text.strip():
            return await self._end(ending.text, [*blocks.status(sentence), blocks.regenerate_button(self.job)])
        notices = () if isinstance(ending, Cancelled) else ending.notices
        said = [blocks.sentence(sentence), *blocks.notes(notices)]
        part = Part(text=blocks.fallback(escape(sentence)), blocks=said)
        if not self.job.accepted_at_s and (self.job.revision or not self._place.is_direct):
            await self._tell_asker(part)
            return self._posted
        return await self._stand([part])

    @property
    def _posted(self) -> Posted:
        return (*self._posts.ids, *self._uploaded)

    @property
    def _file_ids(self) -> list[str]:
        return [name.removeprefix(_FILE) for name in self._uploaded]

    async def _workspace(self) -> Workspace:
        return await self._workspaces.of(self._place.team)

    async def _show_progress(self, workspace: Workspace, text: str) -> None:
        if not self._posts.ids and (self._place.is_direct or not workspace.pace.has_spare(_UPDATE)):
            await self._status.show(workspace, text)
        elif workspace.pace.has_spare(_UPDATE):
            await self._draft(workspace, escape(text), blocks.status(text))

    async def _show_draft(self, workspace: Workspace, text: str) -> None:
        streamed = escape(text.strip())
        if not streamed:
            return
        if self._stream is not None:
            if self._stream.can_become(streamed):
                await self._stream.append(workspace, streamed)
            if self._stream.is_open:
                return
        if not self._posts.ids and self._posts.is_sure and Stream.is_possible(self._place, workspace):
            await self._open_stream(workspace, streamed)
        elif workspace.pace.has_spare(_UPDATE):
            beginning = blocks.split_markdown(text)[0]
            await self._draft(workspace, beginning, blocks.written(beginning))
        elif not self._posts.ids:
            await self._status.show(workspace, "Writing ...")

    async def _draft(self, workspace: Workspace, text: str, shown: list[Block]) -> None:
        """A message that is edited in the end, and that is promised to be."""
        workspace.pace.promise(_UPDATE, self)
        part = Part(text=blocks.fallback(text), blocks=[*shown, blocks.stop_button(self.job)])
        await self._posts.put(workspace, self.job.id, [part], files=self._file_ids)

    async def _open_stream(self, workspace: Workspace, escaped: str) -> None:
        try:
            self._stream = await Stream.open(self._place, workspace, escaped)
        except (CallLost, asyncio.CancelledError):
            self._posts.doubt()
            raise
        except CallRefused as error:  # this workspace does not stream
            log.info("no stream", team=workspace.team, error=error.sentence)
            await self._draft(workspace, escaped, [blocks.paragraph(escaped)])
            return
        self._posts.add(self._stream.ts)
        self._status.stream_opened()

    async def _end(self, text: str, below: list[Block]) -> Posted:
        """The last word: what is streamed is closed with it; otherwise the messages become it."""
        texts = blocks.split_markdown(text)
        stream, self._stream = self._stream, None
        if stream is not None and stream.is_open:
            workspace = await self._workspace()
            last = escape(text.strip())
            fits = len(texts) == 1 and stream.can_become(last) and len(blocks.written(last)) == 1
            async with self._posts.lock:
                whole = fits and not self._is_withdrawn
                said = await stream.close(
                    workspace,
                    last if whole else stream.sent,
                    blocks=below if whole else (),
                    metadata=metadata(self.job.id, 0),
                )
            if said:
                self._status.stream_closed()
            if whole and said and not self._is_withdrawn:
                return self._posted
        parts = [Part(text=blocks.fallback(part), blocks=blocks.written(part)) for part in texts]
        parts[-1].blocks.extend(below)
        return await self._stand(parts)

    async def _stand(self, parts: Sequence[Part]) -> Posted:
        workspace = await self._workspace()
        async with self._posts.lock:
            if not self._is_withdrawn:
                await self._put(workspace, parts)
            if self._is_withdrawn:  # by now: Slack may have taken its time
                await self._posts.clear(workspace, self._file_ids)
                self._uploaded.clear()
        workspace.pace.keep_promise(_UPDATE, self)
        await self._status.clear(workspace, halted=self._is_halted)
        return self._posted

    async def _put(self, workspace: Workspace, parts: Sequence[Part]) -> None:
        """As plain text, shortened, where Slack does not take the blocks: better than nothing for an hour."""
        try:
            await self._posts.put(workspace, self.job.id, parts, files=self._file_ids)
        except CallRefused as error:
            if error.reason not in _TOO_MUCH:
                raise
            log.warning("shown as plain text", job=str(self.job.id), error=error.sentence)
            plain = [msgspec.structs.replace(part, blocks=[]) for part in parts]
            await self._posts.put(workspace, self.job.id, plain, files=self._file_ids)

    async def _as_compared(self, text: str) -> str:
        """Differences as a table that names the pictures, where that fits into one message."""
        if self.job.kind is not JobKind.COMPARE:
            return text
        conversation = await self._conversations.load(self.job.conversation)
        table = list_differences(text, numbers_compared(self.job, conversation))
        return table if len(blocks.split_markdown(table)) == 1 else text

    async def _tell_asker(self, part: Part) -> None:
        workspace = await self._workspace()
        place = self._place
        in_thread = {"thread_ts": place.thread} if place.pressed or place.thread != place.asked else {}
        await workspace.call(
            "chat.postEphemeral",
            channel=place.channel,
            user=place.user,
            text=part.text,
            blocks=part.blocks,
            **in_thread,
        )
