"""Which pictures were missing when they were last wanted.

They are left out of the next prompt from the start: one that is built twice finds no cache the second time.
"""

from collections import OrderedDict

from jobs import ConversationId

MOST_REMEMBERED = 1_000  # conversations, those that missed a picture last


class GonePictures:
    """By conversation. Whether they still are missing, the store says."""

    def __init__(self) -> None:
        self._by_conversation: OrderedDict[ConversationId, set[str]] = OrderedDict()  # digests

    def of(self, conversation: ConversationId) -> frozenset[str]:
        """Digests of those that were missed here."""
        return frozenset(self._by_conversation.get(conversation, ()))

    def add(self, conversation: ConversationId, digest: str) -> None:
        """It was missed."""
        self._by_conversation.setdefault(conversation, set()).add(digest)
        self._by_conversation.move_to_end(conversation)
        if len(self._by_conversation) > MOST_REMEMBERED:
            self._by_conversation.popitem(last=False)

    def remove(self, conversation: ConversationId, digest: str) -> None:
        """It is back."""
        self._by_conversation.get(conversation, set()).discard(digest)

    def forget(self, conversation: ConversationId) -> None:
        """The conversation was forgotten."""
        self._by_conversation.pop(conversation, None)
