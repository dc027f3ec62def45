"""Conversations in one process."""

from jobs.conversation import MARK_KEPT_S, Conversation, ConversationId, Forgotten
from jobs.memory.records import Thread
from jobs.memory.state import State


class MemoryConversations:
    """`ConversationStore`."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def load(self, conversation: ConversationId) -> Conversation:
        """See `ConversationStore.load`."""
        marked_at_s = self._marked_at_s(conversation)
        if not self._state.knows(conversation):
            return Conversation(id=conversation, epoch=self._state.epoch_now, forgotten_at_s=marked_at_s)
        thread = self._state.use(conversation)
        whole = Conversation(
            id=conversation,
            epoch=thread.epoch,
            turns=tuple(thread.turns.values()),
            withdrawn=frozenset(thread.withdrawn),
            forgotten_at_s=marked_at_s,
            askers=frozenset(thread.askers.values()),
            last_source=thread.last_source or "",
            last_revision=thread.newest.get(thread.last_source or "", 0),
        )
        return whole.without(thread.dropped.values())

    async def with_source(self, tenant_key: str, channel: str, source: str) -> frozenset[ConversationId]:
        """See `ConversationStore.with_source`."""
        return frozenset(
            name
            for name, thread in self._state.threads.items()
            if (name.tenant_key, name.channel) == (tenant_key, channel) and source in thread.askers
        )

    async def forget(self, conversation: ConversationId) -> Forgotten:
        """See `ConversationStore.forget`."""
        self._state.forgotten_at_s[conversation] = self._state.now_s
        return self.drop(conversation)

    def drop(self, conversation: ConversationId) -> Forgotten:
        """Everything of it, without a mark."""
        thread = self._state.thread(conversation)
        known = bool(thread.askers or thread.turns or thread.digests)
        self._state.raise_epoch(thread)
        pictures = self._state.drop_pictures(thread, set(thread.digests))
        for source in thread.sources_from_behind:
            self._scrub_source(thread, source)
        turns = len(thread.turns)
        thread.turns.clear()
        thread.brought.clear()
        thread.askers.clear()
        thread.dropped.clear()
        thread.withdrawn.clear()
        thread.last_source = None
        return Forgotten(conversations=int(known), turns=turns, pictures=pictures)

    async def forget_source(self, conversation: ConversationId, source: str) -> Forgotten:
        """See `ConversationStore.forget_source`."""
        thread = self._state.thread(conversation)
        if source not in thread.askers:
            return Forgotten()
        if self._is_begun(thread, source):
            self._state.begin_anew(thread)
        thread.brought.pop(source, None)
        pictures = self._state.release_orphans(thread, but=source)
        self._scrub_source(thread, source)
        turns = int(thread.drop_source(source))
        if thread.last_source == source:
            thread.last_source = next(iter(thread.sources_waiting), None) or next(reversed(thread.turns), None)
        return Forgotten(conversations=int(not thread.askers), turns=turns, pictures=pictures)

    async def forget_asker(self, tenant_key: str, asker: str) -> Forgotten:
        """See `ConversationStore.forget_asker`."""
        asked = [
            (thread.id, source)
            for thread in self._state.threads.values()
            if thread.id.tenant_key == tenant_key
            for source in thread.sources_from_behind
            if thread.askers[source] == asker
        ]
        self._state.forgotten_at_s |= {conversation: self._state.now_s for conversation, _ in asked}
        return Forgotten.all_of([await self.forget_source(conversation, source) for conversation, source in asked])

    def _marked_at_s(self, conversation: ConversationId) -> float:
        marked_at_s = self._state.forgotten_at_s.get(conversation, 0.0)
        return marked_at_s if marked_at_s + MARK_KEPT_S > self._state.now_s else 0.0

    def _is_begun(self, thread: Thread, source: str) -> bool:
        """Whether somebody has begun to answer it: else nothing rests on it."""
        return source in thread.turns or any(record.attempt > 0 for record in self._state.revisions(thread, source))

    def _scrub_source(self, thread: Thread, source: str) -> None:
        for record in self._state.revisions(thread, source):
            self._state.scrub(record)
