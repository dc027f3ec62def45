"""What conversations keep, for the people whose conversations they are: for how long, and how it is forgotten.

Who may do so is the front end's to decide; the words for what happened are here, the same on every platform.
"""

from jobs import ConversationId, ConversationStore, Eraser, Forgotten

_DAY_S = 86_400.0
_HOUR_S = 3_600.0


class Memory:
    """The memory of this install. `responder.memory` is where front ends find it."""

    def __init__(self, *, conversations: ConversationStore, eraser: Eraser, retention_s: float) -> None:
        self._conversations = conversations
        self._eraser = eraser
        self._retention_s = retention_s

    @property
    def kept_for(self) -> str:
        """How long conversations and pictures are kept after their last use: "7 days"."""
        return words_for_time(self._retention_s)

    async def drop_origin(self, conversation: ConversationId, origin: str) -> None:
        """A file was deleted on the platform, or a message with its files: no question is answered with it any more."""
        await self._eraser.drop_origin(conversation, origin)

    async def forget_conversation(self, conversation: ConversationId) -> Forgotten:
        """Everything of one conversation. Its questions end, answered or not."""
        return await self._conversations.forget(conversation)

    async def forget_question(self, conversation: ConversationId, source: str) -> Forgotten:
        """One question with its answer and the pictures that only it brought: its message was deleted."""
        return await self._conversations.forget_source(conversation, source)

    async def forget_person(self, tenant_key: str, asker: str) -> Forgotten:
        """Everything that one person asked within a tenant."""
        return await self._conversations.forget_asker(tenant_key, asker)

    async def forget_place(self, tenant_key: str, channel: str | None = None) -> Forgotten:
        """Everything of a tenant that the bot was removed from, or of one of its channels."""
        return await self._eraser.forget_place(tenant_key, channel)


def words_for_forgotten(forgotten: Forgotten) -> str:
    """What a forget removed, in a sentence.

    >>> words_for_forgotten(Forgotten(conversations=1, turns=3, pictures=1))
    'Forgotten: 1 conversation, 3 answered questions and 1 picture.'
    >>> words_for_forgotten(Forgotten())
    'There was nothing to forget.'
    """
    counts = [
        _counted(forgotten.conversations, "conversation"),
        _counted(forgotten.turns, "answered question"),
        _counted(forgotten.pictures, "picture"),
    ]
    *others, last = [words for words in counts if words] or [""]
    if not last:
        return "There was nothing to forget."
    return f"Forgotten: {' and '.join([', '.join(others), last]) if others else last}."


def words_for_time(seconds: float) -> str:
    """A stretch of time in whole days, or in hours where it is short.

    >>> words_for_time(7 * 86_400.0)
    '7 days'
    >>> words_for_time(5_400.0)
    '2 hours'
    """
    if seconds >= _DAY_S:
        return _counted(round(seconds / _DAY_S), "day")
    return _counted(max(1, round(seconds / _HOUR_S)), "hour")


def _counted(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}" if count else ""
