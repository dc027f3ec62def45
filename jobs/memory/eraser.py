"""Taking things out of conversations in one process."""

from jobs.conversation import ConversationId, Forgotten
from jobs.memory.conversations import MemoryConversations
from jobs.memory.state import JobState, State, Thread
from jobs.picture import Picture


class MemoryEraser:
    """`Eraser`."""

    def __init__(self, state: State, conversations: MemoryConversations) -> None:
        self._state = state
        self._conversations = conversations

    async def drop_picture(self, conversation: ConversationId, number: int) -> Picture | None:
        """See `Eraser.drop_picture`."""
        shown = (await self._conversations.load(conversation)).find_picture(number)
        if shown is None:
            return None
        source, picture = shown
        thread = self._state.thread(conversation)
        thread.dropped[source, number] = picture.unnamed
        thread.brought = {source: digests - {picture.digest} for source, digests in thread.brought.items()}
        self._stop_running(thread)
        self._state.raise_epoch(thread)
        self._state.drop_pictures(thread, {picture.digest})
        return picture

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

    def _stop_running(self, thread: Thread) -> None:
        head = self._state.records[thread.line[0]] if thread.line else None
        if head is not None and head.state is JobState.RUNNING and head.cancel is None:
            head.cancel = "stopped"
            self._state.clock.ring()
