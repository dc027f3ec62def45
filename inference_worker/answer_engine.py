"""The port between the worker's use case and whatever answers: the native engine, or another server."""

from collections.abc import AsyncGenerator
from typing import Protocol

import msgspec

from inference_worker.dialogue import Dialogue
from jobs import ConversationId, Usage

CUT_OFF = "The answer was cut off at its longest length."  # a notice


class Text(msgspec.Struct, frozen=True, kw_only=True):
    """More of the answer."""

    text: str


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """The answer is whole. Native engines add its `token_ids` and the tokeniser's `fingerprint`, for the history."""

    usage: Usage
    notices: tuple[str, ...] = ()
    token_ids: tuple[int, ...] = ()
    fingerprint: str = ""


class AnswerEngine(Protocol):
    """Answers dialogues, many at once."""

    def start(self) -> None:
        """Begin to answer, on the running event loop."""
        ...

    async def watch(self) -> None:
        """Never returns.

        Raises:
            EngineLost: it answers nothing any more, and tells nobody; another process may.
        """
        ...

    def answer(self, dialogue: Dialogue) -> AsyncGenerator[Text | Answered]:
        """The answer's text as it comes, then `Answered`. Leaving the iteration early stops the work.

        Raises:
            Refused: the person can do something about it (a picture is gone, too much text).
            Unavailable: somebody else must.
        """
        ...

    def forget(self, conversation: ConversationId, *, epoch: int) -> None:
        """Drop every cache of this conversation that is older than `epoch`.

        Its answers in the making may end without a word: whoever iterates over one is to leave it.
        """
        ...

    async def close(self) -> None:
        """Stop the work in progress and give back what is held."""
        ...
