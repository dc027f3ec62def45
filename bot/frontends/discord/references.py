"""Pictures of messages and commands, as references that can be fetched again, and their bytes.

The origin of a message's attachment is `channel/message/attachment`: its address expires, so the message is read again
when it has. A file that came with a command belongs to no message; its origin is its address, which Discord makes
valid again for as long as it keeps the file.
"""

from collections import OrderedDict
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing

import discord
import structlog

from bot.download import Hosts, download
from bot.errors import NotPosted, Unfetchable
from bot.frontends.discord.api import Api
from bot.frontends.discord.errors import PostRefused
from bot.frontends.discord.place import PLATFORM
from jobs import PictureRef

_ADDRESSES_REMEMBERED = 5_000
_SEEN_AS_PICTURES = ("image/", "application/pdf")

log = structlog.get_logger()


def read_attachments(message: discord.Message) -> list[PictureRef]:
    """Every file of a message: one that is no picture gets its verdict."""
    return [_refer_to(attachment, message) for attachment in _attachments(message)]


def read_pictures(message: discord.Message) -> list[PictureRef]:
    """The files that claim to be pictures, of a message that was not written to us."""
    return [_refer_to(attachment, message) for attachment in _attachments(message) if _claims_picture(attachment)]


def read_uploads(attachments: Iterable[discord.Attachment | None]) -> tuple[PictureRef, ...]:
    """The files that came with a command."""
    return tuple(
        PictureRef(platform=PLATFORM, origin=upload.url, name=upload.filename, size_bytes=upload.size)
        for upload in attachments
        if upload is not None
    )


def message_of(ref: PictureRef) -> int | None:
    """The message that a picture came with; None for one that came with a command."""
    if ref.platform != PLATFORM or _is_address(ref.origin):
        return None
    return int(ref.origin.split("/")[1])


def belongs_to(ref: PictureRef, message: int) -> bool:
    """Whether a picture came with this message."""
    return message_of(ref) == message


def _attachments(message: discord.Message) -> list[discord.Attachment]:
    """Its own, then those of what it forwards. Voice messages are nobody's pictures."""
    own = [] if message.flags.voice else message.attachments
    return [*own, *(attachment for snapshot in message.message_snapshots for attachment in snapshot.attachments)]


def _claims_picture(attachment: discord.Attachment) -> bool:
    return attachment.content_type is None or attachment.content_type.startswith(_SEEN_AS_PICTURES)


def _refer_to(attachment: discord.Attachment, message: discord.Message) -> PictureRef:
    origin = f"{message.channel.id}/{message.id}/{attachment.id}"
    return PictureRef(platform=PLATFORM, origin=origin, name=attachment.filename, size_bytes=attachment.size)


class Pictures:
    """Fetches what references stand for, from Discord's own hosts only."""

    def __init__(self, api: Api, hosts: Hosts) -> None:
        self._api = api
        self._hosts = hosts
        self._addresses: OrderedDict[str, str] = OrderedDict()  # by origin: what a message said last

    def note(self, message: discord.Message) -> None:
        """Remember where a message's files are, so that they need not be asked for."""
        for attachment in _attachments(message):
            self._addresses[f"{message.channel.id}/{message.id}/{attachment.id}"] = attachment.url
        while len(self._addresses) > _ADDRESSES_REMEMBERED:
            self._addresses.popitem(last=False)

    async def fetch(self, ref: PictureRef) -> AsyncGenerator[bytes, None]:
        """The bytes, from the address known or, where that has expired, from a new one.

        Raises:
            Unfetchable: while it is read.
        """
        address = self._addresses.get(ref.origin, ref.origin if _is_address(ref.origin) else None)
        if address is not None:
            begun = False
            try:
                async with aclosing(download(address, self._hosts)) as pieces:
                    async for piece in pieces:
                        begun = True
                        yield piece
            except Unfetchable:
                if begun:
                    raise
            else:
                return
        async with aclosing(download(await self._renewed(ref), self._hosts)) as pieces:
            async for piece in pieces:
                yield piece

    async def _renewed(self, ref: PictureRef) -> str:
        try:
            if _is_address(ref.origin):
                address = await self._api.refresh(ref.origin)
            else:
                channel, message, _ = map(int, ref.origin.split("/"))
                self.note(await self._api.fetch_message(channel, message))
                address = self._addresses.get(ref.origin)
        except (PostRefused, NotPosted) as error:
            raise Unfetchable(reason=error.sentence.rstrip(".")) from error
        if address is None:
            raise Unfetchable(reason="Discord does not have it any more")
        return address


def _is_address(origin: str) -> bool:
    return "://" in origin


def merge(*groups: Sequence[PictureRef]) -> tuple[PictureRef, ...]:
    """All of them in order, each once."""
    return tuple({ref.origin: ref for group in groups for ref in group}.values())


def make_room(earlier: Sequence[PictureRef], own: Sequence[PictureRef], *, most: int) -> tuple[PictureRef, ...]:
    """What somebody brings, after the latest of the earlier ones as far as there is room for them."""
    room = max(0, most - len(own))
    return merge(earlier[max(0, len(earlier) - room) :], own)
