"""What the chat side needs of a platform: events in, pictures in, replies out. No platform word comes further in."""

from collections.abc import AsyncGenerator, Sequence
from typing import TYPE_CHECKING, Protocol

from jobs import Cancelled, Done, Failed, Job, PictureRef

if TYPE_CHECKING:
    from bot.responder import Responder

Posted = tuple[str, ...]  # the platform's ids of what stands there for one job, the placeholder first


class Reply(Protocol):
    """What stands on the platform for one job: a placeholder first, the answer in the end.

    Every method returns all that stands there now. A call that is repeated, because its response was lost, because
    it was cancelled after a minute without one, or because the process was restarted, must not post twice: the job's
    id is the key (a nonce, metadata to look for, an edit). Output can ping nobody.

    Raises, all of them:
        NotPosted: not now; the caller tries again (after `retry_after_s`, where the platform says so) or leaves it out.
        PlaceGone: never again; the caller gives up.
    """

    async def show(self, text: str, *, progress: bool) -> Posted:
        """The whole text so far: a line about how things stand (`progress`), or the beginning of the answer."""
        ...

    async def attach(self, name: str, content: bytes) -> Posted:
        """A file beside the answer."""
        ...

    async def finish(self, done: Done) -> Posted:
        """The final text, with its notices under it: edits the placeholder where possible, else posts."""
        ...

    async def fail(self, ending: Failed | Cancelled, sentence: str) -> Posted:
        """No answer, or only its beginning: `sentence` is for the person, with a failure's notices under it.

        Also called for a question that was never accepted; then nothing stands there yet.
        """
        ...


class Frontend(Protocol):
    """One platform."""

    @property
    def platform(self) -> str:
        """The first part of its conversations' ids; it is also the name of the lease that its connection needs."""
        ...

    @property
    def edit_interval_s(self) -> float:
        """A reply is not edited more often than this."""
        ...

    @property
    def most_characters(self) -> int | None:
        """An answer longer than this becomes a file with an excerpt; None where length does not matter."""
        ...

    async def run(self, responder: "Responder") -> None:
        """Listen to the platform and hand every mention to `responder.respond`, until cancelled."""
        ...

    def fetch(self, ref: PictureRef) -> AsyncGenerator[bytes, None]:
        """The bytes behind one of its references, in pieces; the caller stops reading at its own limits.

        Raises:
            Unfetchable: while it is read.
        """
        ...

    def reply(self, job: Job, posted: Sequence[str]) -> Reply:
        """The reply of a job; after a restart, with what is `posted` already. Nothing is sent yet."""
        ...
