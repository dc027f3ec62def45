"""A picture: where it came from, its verified form, and where the bytes are kept."""

import hashlib
from typing import TYPE_CHECKING, Protocol, Self

import msgspec

if TYPE_CHECKING:
    from jobs.conversation import ConversationId


def digest_of(stored: bytes) -> str:
    """SHA-256 of the stored form, in hexadecimal."""
    return hashlib.sha256(stored).hexdigest()


class PictureRef(msgspec.Struct, frozen=True, kw_only=True):
    """Where a picture can be fetched from, again and again: never a URL that expires.

    `origin` is read by its own front end only (`channel/message/attachment` on Discord, a file id on Slack, a path
    or an URL in the shell). A document's pages are pictures of the same origin.
    """

    platform: str
    origin: str
    name: str = ""
    size_bytes: int | None = None
    page: int = 0  # of a document, from 1; 0 where the file is the picture

    def is_from(self, origin: str) -> bool:
        """Whether this is its origin, or holds it as a message holds its attachments.

        >>> PictureRef(platform="discord", origin="3/40/500").is_from("3/40")
        True
        """
        return f"{self.origin}/".startswith(f"{origin}/")


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """A verified picture as a conversation knows it.

    `number` is its place in the conversation (1..N in order of appearance; 0 until the worker has placed it) and
    never changes. `max_crops` is fixed when it enters the conversation, because the cached prefix depends on it.
    """

    digest: str
    width: int  # pixels, upright
    height: int
    ref: PictureRef
    max_crops: int = 4
    number: int = 0

    @property
    def identity(self) -> tuple[int, str]:
        """What it is within a conversation, where two files of the same bytes are two pictures."""
        return self.number, self.digest

    @property
    def name(self) -> str:
        """The file's name, for people."""
        return self.ref.name

    @property
    def unnamed(self) -> Self:
        """What is remembered of it once it is dropped: that it was there, not what it was called."""
        ref = PictureRef(platform=self.ref.platform, origin=self.ref.origin, page=self.ref.page)
        return msgspec.structs.replace(self, ref=ref)


class PictureStore(Protocol):
    """Picture bytes by (tenant, digest): what one tenant stores no other can name.

    Bytes live until the retention time after the last use, within a byte budget (least recently used first), or
    until the last conversation that uses them is forgotten.
    """

    async def put(self, conversation: "ConversationId", stored: bytes) -> str:
        """Keep the bytes for this conversation; their digest."""
        ...

    async def get(self, tenant_key: str, digest: str) -> bytes | None:
        """The bytes, or None when they are gone (expired, evicted, forgotten). Counts as a use."""
        ...

    async def has(self, tenant_key: str, digest: str) -> bool:
        """Whether `get` would give them; they stay where they are. Counts as a use."""
        ...
