"""What an engine is asked to answer: the turns so far, the question, and how to get at the pictures."""

from collections.abc import Awaitable, Callable

import msgspec

from jobs import ConversationId, JobId, JobKind, Picture, Sampling, Turn


class Dialogue(msgspec.Struct, frozen=True, kw_only=True):
    """One question in its conversation.

    `pictures` are those that the question brings; the earlier ones stand in `turns`, and `again` are those of them that
    came once more. `one_shot` keeps the conversation's cache as it is: of this answer the text will join the history,
    and of the pictures it brought those that the conversation knows, as they are known (`kept`; else the same as
    `again`).
    """

    job: JobId
    conversation: ConversationId
    epoch: int
    turns: tuple[Turn, ...]
    kind: JobKind
    question: str
    pictures: tuple[Picture, ...]
    sampling: Sampling
    load_picture: Callable[[Picture], Awaitable[bytes]]  # raises PictureGone
    again: tuple[Picture, ...] = ()
    kept: tuple[Picture, ...] = ()
    one_shot: bool = False
