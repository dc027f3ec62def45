"""Conversations that the bot was asked to keep out of."""

from typing import Protocol

from jobs.conversation import ConversationId


class Silences(Protocol):
    """Where nothing is answered that does not name the bot. A silence lasts for the retention time."""

    async def begin(self, conversation: ConversationId) -> None:
        """Somebody said "stop listening"."""
        ...

    async def end(self, conversation: ConversationId) -> None:
        """Somebody wants it back."""
        ...

    async def holds(self, conversation: ConversationId) -> bool:
        """Whether to answer only when named."""
        ...
