"""Messages, threads and answers to interactions, by ids alone: nothing needs to be cached.

This and `rest` touch discord.py below its public interface, which takes no flags on edits.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from typing import Any, Literal

import discord
import msgspec
from discord.http import MultipartParameters, Route, handle_message_parameters

from bot.errors import NotPosted
from bot.frontends.discord.buttons import Button, view_of
from bot.frontends.discord.errors import ChannelClosed, MessageGone, TooManyPosts
from bot.frontends.discord.pace import Pace, Urgency
from bot.frontends.discord.place import Standing, Token
from bot.frontends.discord.rest import Rest

_THREAD_PATIENCE_S = 4.0  # then the answer begins in the channel
_THREAD_SLEEPS_AFTER_MIN: Literal[1440] = 1440  # a day

_HAS_THREAD = 160004  # Discord's error code: this message has one already


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """What one message says."""

    content: str
    buttons: tuple[Button, ...] = ()


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """A file that goes with a message."""

    name: str
    content: bytes


class Api:
    """Everything but the gateway, the commands and the acknowledgement of interactions."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    @property
    def pace(self) -> Pace:
        """Whether there is room for a draft."""
        return self._rest.pace

    # ---------------------------------------------------------------- messages

    async def post(
        self,
        channel: int,
        part: Part,
        *,
        nonce: str,
        urgency: Urgency,
        refers_to: int | None = None,
        upload: Upload | None = None,
    ) -> Standing:
        """A new message; with a `nonce` that was used in the last minutes, the message that it made then.

        Raises:
            PostRefused, NotPosted.
        """
        reference = {"message_id": refers_to, "fail_if_not_exists": False} if refers_to else discord.utils.MISSING
        with _parameters(part, nonce=nonce, uploads=_uploads(upload), message_reference=reference) as parameters:
            route = Route("POST", "/channels/{channel_id}/messages", channel_id=channel)
            try:
                posted = await self._rest.send(route, urgency, doing="send_messages", parameters=parameters)
            except TooManyPosts as error:  # it may stand there all the same: another try must have the same nonce
                raise NotPosted(reason=error.sentence) from error
        standing = Standing(channel, int(posted["id"]))
        lacks_file = upload is not None and not posted.get("attachments")
        if (
            posted["content"] != part.content.strip() or lacks_file
        ):  # an earlier try with this nonce said something else
            await self.edit(standing, part, urgency=urgency, uploads=_uploads(upload))
        return standing

    async def edit(
        self, standing: Standing, part: Part, *, urgency: Urgency, uploads: Sequence[Upload] | None = None
    ) -> None:
        """Another text in the same message; None leaves its files as they are.

        Raises:
            PostRefused, NotPosted.
        """
        with _parameters(part, uploads=uploads) as parameters:
            route = Route(
                "PATCH",
                "/channels/{channel_id}/messages/{message_id}",
                channel_id=standing.channel,
                message_id=standing.message,
            )
            await self._rest.send(route, urgency, doing="send_messages", parameters=parameters)

    async def delete(self, standing: Standing) -> None:
        """Take one of our own messages away. That it is gone already is fine.

        Raises:
            PostRefused, NotPosted.
        """
        work = self._rest.http.delete_message
        with _deleting():
            await self._rest.paced(
                Urgency.LATER, lambda: work(standing.channel, standing.message), doing="view_channel"
            )

    async def fetch_message(self, channel: int, message: int) -> discord.Message:
        """A message as it is now, its attachments with addresses that work.

        Raises:
            PostRefused, NotPosted.
        """
        place = self._rest.messageable(channel)
        return await self._rest.paced(Urgency.LOOK, lambda: place.fetch_message(message), doing="read_message_history")

    async def recent_messages(self, channel: int, *, after: int, limit: int = 100) -> list[discord.Message]:
        """What was written after a message, oldest first.

        Raises:
            PostRefused, NotPosted.
        """
        place = self._rest.messageable(channel)

        async def read() -> list[discord.Message]:
            since = discord.Object(after)
            return [message async for message in place.history(after=since, limit=limit, oldest_first=True)]

        return await self._rest.paced(Urgency.LOOK, read, doing="read_message_history")

    # ---------------------------------------------------------------- interactions

    async def edit_response(
        self,
        token: Token,
        message: int | None,
        part: Part,
        *,
        uploads: Sequence[Upload] | None = None,
    ) -> int:
        """The message that answers an interaction (None), or another one sent with its token; its id.

        Raises:
            PostRefused, NotPosted.
        """
        with _parameters(part, uploads=uploads) as parameters:
            route = _webhook("PATCH", "/messages/{message_id}", token, message_id=message or "@original")
            edited = await self._rest.send(route, None, doing="send_messages", parameters=parameters)
        return int(edited["id"])

    async def follow_up(self, token: Token, part: Part, *, upload: Upload | None = None) -> int:
        """One more message with an interaction's token; its id. Two calls are two messages.

        Raises:
            PostRefused, NotPosted.
        """
        with _parameters(part, uploads=_uploads(upload), ephemeral=token.ephemeral) as parameters:
            sent = await self._rest.send(
                _webhook("POST", "", token), None, doing="send_messages", parameters=parameters
            )
        return int(sent["id"])

    async def delete_response(self, token: Token, message: int) -> None:
        """Take a message that was sent with an interaction's token away.

        Raises:
            PostRefused, NotPosted.
        """
        with _deleting():
            await self._rest.send(
                _webhook("DELETE", "/messages/{message_id}", token, message_id=message), None, doing=""
            )

    async def refresh(self, address: str) -> str | None:
        """An address of a file that was sent with a command, made valid again; None when Discord does not.

        Raises:
            PostRefused, NotPosted.
        """
        route = Route("POST", "/attachments/refresh-urls")
        work = self._rest.http.request
        answer = await self._rest.paced(
            Urgency.LOOK, lambda: work(route, json={"attachment_urls": [address]}), doing="view_channel"
        )
        return next((found["refreshed"] for found in answer.get("refreshed_urls", ())), None)

    # ---------------------------------------------------------------- channels

    async def open_thread(self, channel: int, message: int, title: str) -> int:
        """A thread from a message, or the one that it has: its id is always the message's.

        Raises:
            PostRefused, NotPosted.
        """
        work = self._rest.http.start_thread_with_message
        try:
            await self._rest.paced(
                Urgency.SIGN,
                lambda: work(channel, message, name=title, auto_archive_duration=_THREAD_SLEEPS_AFTER_MIN),
                doing="create_public_threads",
                fine=_HAS_THREAD,
                patience_s=_THREAD_PATIENCE_S,
            )
        except TooManyPosts:
            if await self.fetch_parent(message) is None:
                raise
        return message

    async def wake_thread(self, thread: int) -> None:
        """Take it out of the archive.

        Raises:
            PostRefused, NotPosted.
        """
        work = self._rest.http.edit_channel
        await self._rest.paced(Urgency.ANSWER, lambda: work(thread, archived=False), doing="send_messages_in_threads")

    async def open_direct(self, user: int) -> int:
        """The DM with a person.

        Raises:
            PostRefused, NotPosted.
        """
        work = self._rest.http.start_private_message
        channel = await self._rest.paced(Urgency.ANSWER, lambda: work(user), doing="send_messages")
        return int(channel["id"])

    async def fetch_parent(self, channel: int) -> int | None:
        """The channel that a thread hangs on; None for what is no thread, or not there.

        Raises:
            PostRefused, NotPosted.
        """
        work = self._rest.http.get_channel
        try:
            found: Any = await self._rest.paced(Urgency.LOOK, lambda: work(channel), doing="view_channel")
        except ChannelClosed:
            return None
        is_thread = found["type"] in {kind.value for kind in _THREADS}
        return int(found["parent_id"]) if is_thread else None

    async def show_typing(self, channel: int) -> None:
        """For ten seconds, or until something is posted.

        Raises:
            PostRefused, NotPosted.
        """
        work = self._rest.http.send_typing
        await self._rest.paced(Urgency.LATER, lambda: work(channel), doing="send_messages")


_THREADS = (discord.ChannelType.public_thread, discord.ChannelType.private_thread, discord.ChannelType.news_thread)


def _parameters(
    part: Part, *, uploads: Sequence[Upload] | None, ephemeral: bool = False, **others: Any
) -> MultipartParameters:
    """A message that pings nobody and unfolds no links."""
    flags = discord.MessageFlags(suppress_embeds=True)
    if ephemeral:
        flags.ephemeral = True
    if uploads is not None:
        others["attachments"] = [discord.File(BytesIO(upload.content), upload.name) for upload in uploads]
    return handle_message_parameters(
        content=part.content,
        flags=flags,
        view=view_of(part.buttons),
        allowed_mentions=discord.AllowedMentions.none(),
        **others,
    )


@contextmanager
def _deleting() -> Iterator[None]:
    """That it is gone already is fine; what was not done in time is worth another try."""
    try:
        yield
    except MessageGone:
        pass
    except TooManyPosts as error:
        raise NotPosted(reason=error.sentence) from error


def _uploads(upload: Upload | None) -> tuple[Upload, ...] | None:
    return (upload,) if upload else None


def _webhook(method: str, path: str, token: Token, **others: Any) -> Route:
    return Route(
        method,
        f"/webhooks/{{webhook_id}}/{{webhook_token}}{path}",
        webhook_id=token.application,
        webhook_token=token.token,
        **others,
    )
