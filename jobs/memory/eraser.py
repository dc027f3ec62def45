"""Taking things out of conversations in one process."""

from jobs.conversation import ConversationId, Forgotten
from jobs.memory.conversations import MemoryConversations
from jobs.memory.records import JobState, Thread
from jobs.memory.state import State
from jobs.picture import Picture


class MemoryEraser:
    """`Eraser`."""

    def __init__(self, state: State, conversations: MemoryConversations) -> None:
        self._state = state
        self._conversations = conversations

    async def drop_picture(self, conversation: ConversationId, number: int) -> Picture | None:
        """See `Eraser.drop_picture`."""
        return await self._drop(conversation, number, stops=True)

    async def drop_origin(self, conversation: ConversationId, origin: str) -> None:
        """See `Eraser.drop_origin`."""
        self._withdraw(conversation, origin)
        for picture in (await self._conversations.load(conversation)).pictures:
            if picture.ref.is_from(origin):
                await self._drop(conversation, picture.number, stops=False)

    async def forget_place(self, tenant_key: str, channel: str | None = None) -> Forgotten:
        """See `Eraser.forget_place`."""
        there = [
            name for name in self._state.threads if name.tenant_key == tenant_key and channel in {None, name.channel}
        ]
        self._state.forgotten_at_s = {
            name: at_s
            for name, at_s in self._state.forgotten_at_s.items()
            if name.tenant_key != tenant_key or channel not in {None, name.channel}
        }
        return Forgotten.all_of(map(self._conversations.drop, there))

    async def _drop(self, conversation: ConversationId, number: int, *, stops: bool) -> Picture | None:
        """`stops`: an answer that is being written ends. Else it begins anew: its asker has nothing to do with it."""
        known = await self._conversations.load(conversation)
        shown = known.find_picture(number)
        if shown is None:
            return None
        source, picture = shown
        thread = self._state.thread(conversation)
        bringing = [other for other, digests in thread.brought.items() if picture.digest in digests]
        thread.dropped |= {(one, number): picture.unnamed for one in (source, *bringing)}
        gone = frozenset[str]() if known.has_twin_of(picture) else frozenset({picture.digest})
        thread.brought = {other: digests - gone for other, digests in thread.brought.items()}
        self._state.begin_anew(thread)
        if stops:
            self._stop_running(thread)
            self._state.drop_pictures(thread, gone)
        else:
            for record in map(self._state.records.__getitem__, thread.line):
                thread.bring(record.job.source, record.pictures)  # its own file may be the same picture
            self._state.release_orphans(thread)
        return picture

    def _withdraw(self, conversation: ConversationId, origin: str) -> None:
        """Questions under way bring it no more."""
        state = self._state
        if not state.knows(conversation):
            return
        thread = state.thread(conversation)
        bringing = [
            record
            for record in map(state.records.__getitem__, thread.line)
            if any(ref.is_from(origin) for ref in record.job.references)
        ]
        thread.withdrawn |= {(record.job.source, origin) for record in bringing}
        for record in bringing:
            source = record.job.source
            gone = {picture.digest for picture in record.pictures if picture.ref.is_from(origin)}
            thread.brought[source] = thread.brought.get(source, frozenset()) - gone
            thread.bring(source, record.pictures)  # another of its files may be the same picture
        if any(record.state is JobState.RUNNING for record in bringing):
            state.begin_anew(thread)
        state.release_orphans(thread)

    def _stop_running(self, thread: Thread) -> None:
        head = self._state.records[thread.line[0]] if thread.line else None
        if head is not None and head.state is JobState.RUNNING and head.cancel is None:
            head.cancel = "stopped"
            self._state.clock.ring()
