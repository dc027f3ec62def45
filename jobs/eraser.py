"""Taking things out of conversations beyond the forgetting of a `ConversationStore`."""

from typing import Protocol

from jobs.conversation import ConversationId, Forgotten
from jobs.picture import Picture


class Eraser(Protocol):
    """Takes out one picture, or everything of a place. Like forgetting it reaches idle caches: the epoch rises."""

    async def drop_picture(self, conversation: ConversationId, number: int) -> Picture | None:
        """Take one picture out of a conversation for good; None when it has none of that number.

        No later question sees it, and its bytes go unless another conversation uses them. The others keep their
        numbers, and this number is not given again. An answer that is being written there is asked to stop,
        and nothing of it is kept.
        """
        ...

    async def drop_origin(self, conversation: ConversationId, origin: str) -> None:
        """Take out every picture of a file that was deleted, or of everything in it (`channel/message` on Discord).

        Questions that bring it, whether they wait or run, are answered without it, and an answer that is being written
        there begins anew. Later ones may bring it again.
        """
        ...

    async def forget_place(self, tenant_key: str, channel: str | None = None) -> Forgotten:
        """Everything of a tenant (the bot was removed from there), or of one of its channels (it was deleted).

        No mark is left: there is nothing that could be read again.
        """
        ...
