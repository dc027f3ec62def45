"""Silences in one process."""

from jobs.conversation import ConversationId
from jobs.memory.state import State


class MemorySilences:
    """`Silences`."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._until_s: dict[ConversationId, float] = {}

    async def begin(self, conversation: ConversationId) -> None:
        """See `Silences.begin`."""
        self._until_s[conversation] = self._state.now_s + self._state.settings.retention_s

    async def end(self, conversation: ConversationId) -> None:
        """See `Silences.end`."""
        self._until_s.pop(conversation, None)

    async def holds(self, conversation: ConversationId) -> bool:
        """See `Silences.holds`."""
        return self._until_s.get(conversation, 0.0) > self._state.now_s
