"""A picture: where it came from, its verified form, and where the bytes are kept."""

import hashlib
from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:
    from jobs.conversation import ConversationId


def digest_of(stored: bytes) -> str:
    """SHA-256 of the stored form, in hexadecimal."""
    return hashlib.sha256(stored).hexdigest()


class PictureRef(msgspec.Struct, frozen=True, kw_only=True):
    """Where a picture can be fetched from, again and again: never a URL that expires.

    `origin` is read by its own front end only (`channel/message/attachment` on Discord, a file id on Slack, a path
    or an URL in the shell).
    """

    platform: str
    origin: str
    name: str = ""
    size_bytes: int | None = None


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
    def name(self) -> str:
        """The file's name, for people."""
        return self.ref.name


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
