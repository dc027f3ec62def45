"""The bytes behind a reference, within the limits: what a platform says of a file is never believed."""

import asyncio
import math
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from bot import links
from bot.errors import NotAPicture, PictureNotFetched, PictureTooLarge, PictureTooSlow, Unfetchable
from bot.frontend import Frontend
from bot.sandbox.magic import HEAD_BYTES, describe, sniff
from jobs import PictureRef

_MIB = 1024**2

FetchLink = Callable[[str], AsyncGenerator[bytes, None]]  # an address in, its bytes out; raises Unfetchable


class Fetcher:
    """Files of at most `max_bytes`, each within `timeout_s`. Without `fetch_link` nobody's own addresses are fetched."""

    def __init__(self, *, max_bytes: int, timeout_s: float, fetch_link: FetchLink | None = None) -> None:
        self._max_bytes = max_bytes
        self._timeout_s = timeout_s
        self._fetch_link = fetch_link

    async def fetch(self, frontend: Frontend, ref: PictureRef, *, name: str) -> bytes:
        """The whole file; given up as soon as it is too large, too late or no picture.

        Raises:
            PictureRefused: one of its leaves.
        """
        if ref.size_bytes is not None and ref.size_bytes > self._max_bytes:
            raise self._too_large(name, _megabytes(ref.size_bytes))
        content = bytearray()
        try:
            async with asyncio.timeout(self._timeout_s), aclosing(self._pieces(frontend, ref)) as pieces:
                async for piece in pieces:
                    known = len(content) >= HEAD_BYTES
                    content += piece
                    if len(content) > self._max_bytes:
                        raise self._too_large(name, f"over {self._max_bytes / _MIB:g} MB")
                    if not known and len(content) >= HEAD_BYTES and sniff(bytes(content[:HEAD_BYTES])) is None:
                        raise NotAPicture(name=name, found=describe(bytes(content[:HEAD_BYTES])))
        except TimeoutError:
            raise PictureTooSlow(name=name, limit_s=self._timeout_s, what="arrive") from None
        except Unfetchable as error:
            raise PictureNotFetched(name=name, reason=error.facts["reason"]) from error
        return bytes(content)

    def _pieces(self, frontend: Frontend, ref: PictureRef) -> AsyncGenerator[bytes, None]:
        if ref.platform != links.PLATFORM:
            return frontend.fetch(ref)
        if self._fetch_link is None:
            raise Unfetchable(reason="addresses that people write are not fetched here")
        return self._fetch_link(ref.origin)

    def _too_large(self, name: str, size: str) -> PictureTooLarge:
        return PictureTooLarge(name=name, size=size, limit_mb=self._max_bytes / _MIB)


def _megabytes(size_bytes: int) -> str:
    """In tenths, rounded up: what is over the limit never reads as the limit."""
    return f"{math.ceil(size_bytes / _MIB * 10) / 10:g} MB"
