"""The messages that stand on Discord for one question: posted once each, edited from then on, moved where they must."""

import hashlib
from collections.abc import Sequence

import msgspec
import structlog

from bot.errors import NotPosted, PlaceGone
from bot.frontend import Posted
from bot.frontends.discord.api import Api, Part, Upload
from bot.frontends.discord.errors import ChannelClosed, MessageGone, PostRefused, ThreadArchived, TokenExpired
from bot.frontends.discord.layout import MOST_CHARACTERS, title_for
from bot.frontends.discord.pace import Urgency
from bot.frontends.discord.permissions import lacking
from bot.frontends.discord.place import Place, Standing, Token, is_direct
from jobs import Job

_REPOSTS = 4  # of one part, when the messages that a nonce stands for are deleted again and again

log = structlog.get_logger()


class Posts:
    """Where an answer is written: its thread, else the channel it was asked in, else the asker's direct messages.

    A post carries a nonce of the question and its place among the parts, which Discord enforces for some minutes: a
    call whose response was lost makes no second message, and a later revision finds the message of an earlier one.
    """

    def __init__(self, api: Api, job: Job, posted: Sequence[str]) -> None:
        self._api = api
        self._job = job
        self._place = Place.read(job.reply_to)
        self._token = self._place.token
        self._standing = [Standing.read(text) for text in posted or self._place.standing]
        self._said: dict[Standing, Part] = {}
        self._home: int | None = self._standing[0].channel if self._standing else None
        self._is_withdrawn = False
        self._closed: set[int] = set()  # channels that we found we cannot write in
        self._why = ""  # the answer stands where it does, when that is not its first place
        if self._place.no_thread:
            self._why = f"No thread: {lacking(self._place.no_thread)}."

    def withdraw(self) -> None:
        """Post nothing from now on: what was asked is forgotten."""
        self._is_withdrawn = True

    @property
    def posted(self) -> Posted:
        """What stands there."""
        return tuple(map(str, self._standing))

    @property
    def is_private(self) -> bool:
        """Only the asker sees the answer."""
        return self._place.token is not None and self._place.token.ephemeral

    @property
    def takes_files(self) -> bool:
        """We may send files there."""
        return "attach_files" not in self._place.lacks

    async def draft(self, parts: Sequence[Part]) -> None:
        """Show what there is, where it differs from what is shown. Left out when there is no room for it.

        Raises:
            NotPosted, PlaceGone.
        """
        if not self._standing:
            await self._post(_Message(index=0, part=parts[0], urgency=Urgency.SIGN))
            return
        changed = [index for index, part in enumerate(parts) if not self._shows(index, part)]
        if not changed:
            return
        if not self._token_lives and not self._api.pace.takes_draft(self._standing[-1].channel):
            raise NotPosted(reason="others go first")
        for index in changed:
            message = _Message(index=index, part=parts[index], urgency=Urgency.LATER)
            if index < len(self._standing):
                try:
                    await self._edit(message)
                except PostRefused as error:
                    raise NotPosted(reason=error.sentence) from error
            else:
                await self._post(message)

    async def conclude(self, parts: Sequence[Part], *, uploads: Sequence[Upload] = ()) -> None:
        """Leave exactly these, the files with the first; where an edit is refused, a new message.

        Raises:
            NotPosted, PlaceGone.
        """
        for index, part in enumerate(parts):
            files = tuple(uploads) if index == 0 else ()
            # An answer that was there before its placeholder is the first that its asker sees.
            urgency = Urgency.ANSWER if self._standing else Urgency.SIGN
            message = _Message(index=index, part=part, urgency=urgency, uploads=files)
            await (self._replace(message) if index < len(self._standing) else self._post(message))
        while len(self._standing) > len(parts):
            await self._delete(self._standing.pop())

    async def refuse(self, part: Part) -> None:
        """Tell whoever asked that the question was not accepted. An answer that stands there already stays.

        Raises:
            NotPosted, PlaceGone.
        """
        token = self._place.token
        try:
            if token is not None and token.pressed:
                await self._api.follow_up(msgspec.structs.replace(token, ephemeral=True), part)
            elif token is not None:
                await self._api.edit_response(token, None, part)
            else:
                nonce = self._nonce(self._place.channel, f"refusal {self._job.revision}")
                await self._api.post(
                    self._place.channel,
                    part,
                    nonce=nonce,
                    urgency=Urgency.SIGN,
                    refers_to=None if is_direct(self._job.conversation) else self._place.message,
                )
        except PostRefused as error:
            raise PlaceGone(reason=error.sentence) from error

    async def show_typing(self) -> None:
        """Typing, where there is room for it. That it cannot be shown is nothing."""
        if self.is_private or self._home is None or not self._api.pace.has_room:
            return
        try:
            await self._api.show_typing(self._home)
        except (PostRefused, NotPosted) as error:
            log.debug("typing not shown", job=str(self._job.id), error=error.sentence)

    # ---------------------------------------------------------------- editing

    @property
    def _token_lives(self) -> bool:
        return self._token is not None and self._token.lives

    def _shows(self, index: int, part: Part) -> bool:
        return index < len(self._standing) and self._said.get(self._standing[index]) == part

    async def _replace(self, message: "_Message") -> None:
        """The final text of a message; a new message where the edit is refused for good."""
        old = self._standing[message.index]
        try:
            await self._edit(message)
        except PostRefused as refusal:
            log.info("answer posted anew", job=str(self._job.id), error=refusal.sentence)
            await self._post(msgspec.structs.replace(message, instead_of=old))
            if not isinstance(refusal, MessageGone):
                await self._delete(old)

    async def _edit(self, message: "_Message") -> None:
        """Raises: PostRefused, NotPosted."""
        standing = self._standing[message.index]
        said = self._explained(message, standing.channel)
        if not await self._edit_by_token(standing, said, message.uploads):
            if self.is_private:
                raise TokenExpired
            try:
                await self._api.edit(standing, said, urgency=message.urgency, uploads=message.uploads)
            except ThreadArchived:
                await self._api.wake_thread(standing.channel)
                await self._api.edit(standing, said, urgency=message.urgency, uploads=message.uploads)
        self._said[standing] = message.part

    async def _edit_by_token(self, standing: Standing, part: Part, uploads: tuple[Upload, ...] | None) -> bool:
        """Whether an interaction's token did it; it is tried as long as it lives."""
        if self._token is None or not self._token.lives:
            return False
        try:
            await self._api.edit_response(self._token, standing.message, part, uploads=uploads)
        except TokenExpired:
            self._token = None
        except MessageGone:
            if self.is_private:
                raise
            # The token does not know it: it was posted in the channel, or by an earlier interaction.
        else:
            return True
        return False

    async def _delete(self, standing: Standing) -> None:
        """That a message of ours stays is no reason to do anything again."""
        try:
            if not self.is_private:
                await self._api.delete(standing)
            elif self._token is not None and self._token.lives:
                await self._api.delete_response(self._token, standing.message)
        except (PostRefused, NotPosted) as error:
            log.info("a surplus message stays", job=str(self._job.id), error=error.sentence)

    # ---------------------------------------------------------------- posting

    async def _post(self, message: "_Message") -> None:
        """As a new message, in the first place that takes it.

        Raises:
            NotPosted
            PlaceGone: no place takes it, or it was withdrawn.
        """
        if self._is_withdrawn:
            raise PlaceGone(reason="the question is forgotten")
        standing = await self._post_somewhere(message)
        self._said[standing] = message.part
        self._standing[message.index : message.index + 1] = [standing]

    async def _post_somewhere(self, message: "_Message") -> Standing:
        for channel, refers_to in [] if self.is_private else await self._places():
            if channel in self._closed:
                continue
            try:
                return await self._post_in(channel, message, refers_to)
            except PostRefused as error:
                log.warning("not posted there", job=str(self._job.id), channel=channel, error=error.sentence)
                self._closed.add(channel)
                self._why = f"Not in <#{channel}>: {error.sentence}"
        if self._token is not None and self._token.lives:
            try:
                return await self._follow_up(self._token, message)
            except PostRefused as error:
                self._why = self._why or f"Not in <#{self._place.channel}>: {error.sentence}"
        return await self._post_directly(message)

    async def _follow_up(self, token: Token, message: "_Message") -> Standing:
        """With the interaction's token: nobody but Discord can tell whether it was sent already."""
        upload = message.uploads[0] if message.uploads else None
        sent = await self._api.follow_up(token, self._explained(message, self._place.channel), upload=upload)
        return Standing(self._place.channel, sent)

    async def _post_directly(self, message: "_Message") -> Standing:
        """In the asker's direct messages: the last place that there is."""
        try:
            direct = await self._api.open_direct(self._place.asker)
            return await self._post_in(direct, message, None)
        except PostRefused as error:
            raise PlaceGone(reason=self._why or error.sentence) from error

    async def _post_in(self, channel: int, message: "_Message", refers_to: int | None) -> Standing:
        for attempt in range(_REPOSTS):
            try:
                standing = await self._api.post(
                    channel,
                    self._explained(message, channel),
                    nonce=self._nonce(channel, f"{message.index} {message.instead_of} {attempt}"),
                    urgency=message.urgency,
                    refers_to=refers_to if message.index == 0 else None,
                    upload=message.uploads[0] if message.uploads else None,
                )
            except MessageGone:  # the nonce stands for a message that was deleted since
                continue
            except ChannelClosed:
                if refers_to is None:
                    raise
                refers_to = None  # it may be the reference alone that is not allowed
                continue
            self._home = channel
            return standing
        raise MessageGone

    async def _places(self) -> list[tuple[int, int | None]]:
        """Channels to write in, the best first, each with the message to refer to there."""
        place = self._place
        places: dict[int, int | None] = {}
        if self._home is not None:
            places[self._home] = place.message if self._home == place.channel else None
        elif place.opens_thread and (thread := await self._open_thread()) is not None:
            places[thread] = None
        if is_direct(self._job.conversation):
            places.setdefault(place.channel, None)
        else:
            places.setdefault(place.channel, place.message)
            if not place.in_private:
                places.setdefault(int(self._job.conversation.channel), None)
        return list(places.items())

    async def _open_thread(self) -> int | None:
        assert self._place.message is not None
        title = title_for(self._job.text)
        try:
            self._home = await self._api.open_thread(self._place.channel, self._place.message, title)
        except PostRefused as error:
            log.warning("no thread", job=str(self._job.id), error=error.sentence)
            self._why = f"No thread: {error.sentence}"
        return self._home

    def _explained(self, message: "_Message", channel: int) -> Part:
        """The first part says why it stands where it does; buttons would not find their question from elsewhere."""
        part = message.part if self._knows(channel) else msgspec.structs.replace(message.part, buttons=())
        if message.index > 0 or not self._why:
            return part
        line = f"\n-# {self._why}"
        return Part(content=f"{part.content[: MOST_CHARACTERS - len(line)]}{line}", buttons=part.buttons)

    def _knows(self, channel: int) -> bool:
        """Whether the conversation is there: its channel, its thread; not the direct messages of who asked elsewhere."""
        where, place = self._job.conversation, self._place
        return is_direct(where) or channel in {place.channel, place.message, int(where.channel), int(where.thread)}

    def _nonce(self, channel: int, which: str) -> str:
        """Discord takes 25 characters."""
        named = f"{self._job.conversation} {self._job.source} {channel} {which}"
        return hashlib.blake2b(named.encode(), digest_size=12).hexdigest()


class _Message(msgspec.Struct, frozen=True, kw_only=True):
    """One of the messages: the part at `index`. `uploads` None leaves the files as they are."""

    index: int
    part: Part
    urgency: Urgency
    uploads: tuple[Upload, ...] | None = None
    instead_of: Standing | None = None  # a message that cannot be edited any more
