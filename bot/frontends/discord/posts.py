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
        self._closed: set[int] = set()  # channels that we found we cannot write in
        self._why = ""  # the answer stands where it does, when that is not its first place
        if self._place.message is not None and "create_public_threads" in self._place.lacks:
            self._why = f"No thread: {lacking(['create_public_threads'])}"

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
            await self._post(0, parts[0], Urgency.SIGN)
            return
        changed = [index for index, part in enumerate(parts) if not self._shows(index, part)]
        if not changed:
            return
        if not self._token_lives and not self._api.pace.takes_draft(self._standing[-1].channel):
            raise NotPosted(reason="others go first")
        for index in changed:
            if index < len(self._standing):
                try:
                    await self._edit(index, parts[index], Urgency.LATER)
                except PostRefused as error:
                    raise NotPosted(reason=error.sentence) from error
            else:
                await self._post(index, parts[index], Urgency.LATER)

    async def conclude(self, parts: Sequence[Part], *, uploads: Sequence[Upload] = ()) -> None:
        """Leave exactly these, the files with the first; where an edit is refused, a new message.

        Raises:
            NotPosted, PlaceGone.
        """
        for index, part in enumerate(parts):
            files = tuple(uploads) if index == 0 else ()
            if index < len(self._standing):
                await self._replace(index, part, files)
            else:
                await self._post(index, part, Urgency.ANSWER, files)
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

    async def _replace(self, index: int, part: Part, uploads: tuple[Upload, ...]) -> None:
        """The final text of a message; a new message where the edit is refused for good."""
        old = self._standing[index]
        try:
            await self._edit(index, part, Urgency.ANSWER, uploads)
        except PostRefused as refusal:
            log.info("answer posted anew", job=str(self._job.id), error=refusal.sentence)
            await self._post(index, part, Urgency.ANSWER, uploads, instead_of=old)
            if not isinstance(refusal, MessageGone):
                await self._delete(old)

    async def _edit(
        self, index: int, part: Part, urgency: Urgency, uploads: tuple[Upload, ...] | None = None
    ) -> None:
        """Raises: PostRefused, NotPosted."""
        standing = self._standing[index]
        said = self._explained(index, part)
        if not await self._edit_by_token(standing, said, uploads):
            if self.is_private:
                raise TokenExpired
            try:
                await self._api.edit(standing, said, urgency=urgency, uploads=uploads)
            except ThreadArchived:
                await self._api.wake_thread(standing.channel)
                await self._api.edit(standing, said, urgency=urgency, uploads=uploads)
        self._said[standing] = part

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

    async def _post(
        self,
        index: int,
        part: Part,
        urgency: Urgency,
        uploads: tuple[Upload, ...] = (),
        instead_of: Standing | None = None,
    ) -> None:
        """The part as a new message, in the first place that takes it.

        Raises:
            NotPosted
            PlaceGone: no place takes it.
        """
        standing = await self._post_somewhere(index, part, urgency, uploads, instead_of)
        self._said[standing] = part
        if index < len(self._standing):
            self._standing[index] = standing
        else:
            self._standing.append(standing)

    async def _post_somewhere(
        self, index: int, part: Part, urgency: Urgency, uploads: tuple[Upload, ...], instead_of: Standing | None
    ) -> Standing:
        for channel, refers_to in [] if self.is_private else await self._places():
            if channel in self._closed:
                continue
            try:
                return await self._post_in(channel, index, part, urgency, uploads, instead_of, refers_to)
            except PostRefused as error:
                log.warning("not posted there", job=str(self._job.id), channel=channel, error=error.sentence)
                self._closed.add(channel)
                self._why = f"Not in <#{channel}>: {error.sentence}"
        if self._token is not None and self._token.lives:
            try:
                return await self._follow_up(self._token, index, part, uploads)
            except PostRefused as error:
                self._why = self._why or f"Not in <#{self._place.channel}>: {error.sentence}"
        return await self._post_directly(index, part, urgency, uploads, instead_of)

    async def _follow_up(self, token: Token, index: int, part: Part, uploads: tuple[Upload, ...]) -> Standing:
        """With the interaction's token: nobody but Discord can tell whether it was sent already."""
        said = self._explained(index, part)
        message = await self._api.follow_up(token, said, upload=uploads[0] if uploads else None)
        return Standing(self._place.channel, message)

    async def _post_directly(
        self, index: int, part: Part, urgency: Urgency, uploads: tuple[Upload, ...], instead_of: Standing | None
    ) -> Standing:
        """In the asker's direct messages: the last place that there is."""
        try:
            direct = await self._api.open_direct(self._place.asker)
            return await self._post_in(direct, index, part, urgency, uploads, instead_of, None)
        except PostRefused as error:
            raise PlaceGone(reason=self._why or error.sentence) from error

    async def _post_in(
        self,
        channel: int,
        index: int,
        part: Part,
        urgency: Urgency,
        uploads: tuple[Upload, ...],
        instead_of: Standing | None,
        refers_to: int | None,
    ) -> Standing:
        for attempt in range(_REPOSTS):
            try:
                standing = await self._api.post(
                    channel,
                    self._explained(index, part),
                    nonce=self._nonce(channel, f"{index} {instead_of} {attempt}"),
                    urgency=urgency,
                    refers_to=refers_to if index == 0 else None,
                    upload=uploads[0] if uploads else None,
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
            places.setdefault(int(self._job.conversation.channel), None)
        return list(places.items())

    async def _open_thread(self) -> int | None:
        assert self._place.message is not None
        try:
            return await self._api.open_thread(self._place.channel, self._place.message, title_for(self._job.text))
        except PostRefused as error:
            log.warning("no thread", job=str(self._job.id), error=error.sentence)
            self._why = f"No thread: {error.sentence}"
            return None

    def _explained(self, index: int, part: Part) -> Part:
        """The first part says why it stands where it does."""
        if index > 0 or not self._why:
            return part
        line = f"\n-# {self._why}"
        return Part(content=f"{part.content[: MOST_CHARACTERS - len(line)]}{line}", buttons=part.buttons)

    def _nonce(self, channel: int, which: str) -> str:
        """Discord takes 25 characters."""
        named = f"{self._job.conversation} {self._job.source} {channel} {which}"
        return hashlib.blake2b(named.encode(), digest_size=12).hexdigest()
