"""The messages that stand on Discord for one question: posted once each, edited from then on, moved where they must."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

import msgspec
import structlog

from bot.errors import NotPosted, PlaceGone
from bot.frontend import Posted
from bot.frontends.discord.api import Api, Part, Upload
from bot.frontends.discord.errands import Errands
from bot.frontends.discord.errors import MessageGone, PostRefused, ThreadArchived, TokenExpired
from bot.frontends.discord.pace import Urgency
from bot.frontends.discord.place import Place, Standing
from bot.frontends.discord.venue import Message, Venue
from jobs import Job

_FORGOTTEN = "the question is forgotten"

log = structlog.get_logger()


class Posts:
    """An answer as it is written, draft by draft. Whatever stands there after a post is noted."""

    def __init__(
        self, api: Api, job: Job, posted: Sequence[str], *, errands: Errands, note: Callable[[Posted], None]
    ) -> None:
        self._api = api
        self._job = job
        self._errands = errands
        self._note = note
        self._place = Place.read(job.reply_to)
        self._standing = [Standing.read(text) for text in posted or self._place.standing]
        self._venue = Venue(api, job, home=self._standing[0].channel if self._standing else None)
        self._said: dict[Standing, Part] = {}
        self._withdrawn = asyncio.Event()

    def withdraw(self) -> None:
        """Post nothing from now on: what was asked is forgotten."""
        self._withdrawn.set()

    @property
    def posted(self) -> Posted:
        """What stands there."""
        return tuple(map(str, self._standing))

    @property
    def is_private(self) -> bool:
        """Only the asker sees the answer."""
        return self._place.is_ephemeral

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
            await self._post(Message(index=0, part=parts[0], urgency=Urgency.SIGN))
            return
        changed = [index for index, part in enumerate(parts) if not self._shows(index, part)]
        taken_back = [standing for standing in self._standing[len(parts) :] if standing in self._said]
        if not changed and not taken_back:
            return
        if self._venue.token is None and not self._api.pace.takes_draft(self._standing[-1].channel):
            raise NotPosted(reason="others go first")
        for index in changed:
            message = Message(index=index, part=parts[index], urgency=Urgency.LATER)
            if index < len(self._standing):
                try:
                    await self._edit(message)
                except PostRefused as error:
                    raise NotPosted(reason=error.sentence) from error
            else:
                await self._post(message)
        for standing in taken_back:
            await self._drop(standing)

    async def conclude(self, parts: Sequence[Part], *, uploads: Sequence[Upload] = ()) -> None:
        """Leave exactly these, the files with the first; where an edit is refused, a new message.

        Raises:
            NotPosted, PlaceGone.
        """
        for index, part in enumerate(parts):
            files = tuple(uploads) if index == 0 else ()
            # An answer that was there before its placeholder is the first that its asker sees.
            urgency = Urgency.ANSWER if self._standing else Urgency.SIGN
            message = Message(index=index, part=part, urgency=urgency, uploads=files)
            await (self._replace(message) if index < len(self._standing) else self._post(message))
        for surplus in self._standing[len(parts) :]:
            try:
                await self._drop(surplus)
            except NotPosted:  # the answer stands: it is not to be told again for this
                self._leave_out(surplus)
                self._errands.begin(partial(self._delete, surplus), to="delete what an answer does not need any more")

    async def refuse(self, part: Part) -> None:
        """Tell whoever asked that the question was not accepted. An answer that stands there already stays.

        Raises:
            NotPosted, PlaceGone.
        """
        token = self._place.token
        if token is None:
            await self._venue.refuse(part)
            return
        try:
            if token.pressed:
                await self._api.follow_up(msgspec.structs.replace(token, ephemeral=True), part)
            else:
                await self._api.edit_response(token, None, part)
        except PostRefused as error:
            raise PlaceGone(reason=error.sentence) from error

    async def show_typing(self) -> None:
        """Typing, where there is room for it. That it cannot be shown is nothing."""
        if self.is_private or self._venue.home is None or not self._api.pace.has_room:
            return
        try:
            await self._api.show_typing(self._venue.home)
        except (PostRefused, NotPosted) as error:
            log.debug("typing not shown", job=str(self._job.id), error=error.sentence)

    def _shows(self, index: int, part: Part) -> bool:
        return index < len(self._standing) and self._said.get(self._standing[index]) == part

    async def _post(self, message: Message) -> None:
        """As a new message.

        Raises:
            NotPosted
            PlaceGone: no place takes it, or it was withdrawn.
        """
        if self._withdrawn.is_set():
            raise PlaceGone(reason=_FORGOTTEN)
        standing = await self._venue.post(message)
        if self._withdrawn.is_set():  # by now: whoever takes the answer away did not know of this part
            self._errands.begin(partial(self._delete, standing), to="delete what was posted of a forgotten question")
            raise PlaceGone(reason=_FORGOTTEN)
        self._said[standing] = message.part
        self._standing[message.index : message.index + 1] = [standing]
        self._note(self.posted)

    async def _replace(self, message: Message) -> None:
        """The final text of a message; a new message where the edit is refused for good."""
        old = self._standing[message.index]
        try:
            await self._edit(message)
        except PostRefused as refusal:
            log.info("answer posted anew", job=str(self._job.id), error=refusal.sentence)
            await self._post(msgspec.structs.replace(message, instead_of=old))
            if not isinstance(refusal, MessageGone):
                self._errands.begin(partial(self._delete, old), to="delete what was posted anew")

    async def _edit(self, message: Message) -> None:
        """Raises: PostRefused, NotPosted."""
        standing = self._standing[message.index]
        said = self._venue.explain(message, standing.channel)
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
        if (token := self._venue.token) is None:
            return False
        try:
            await self._api.edit_response(token, standing.message, part, uploads=uploads)
        except TokenExpired:
            self._venue.lose_token()
        except MessageGone:
            if self.is_private:
                raise
            # The token does not know it: it was posted in the channel, or by an earlier interaction.
        else:
            return True
        return False

    async def _drop(self, standing: Standing) -> None:
        """A message that the answer does not need any more. Where Discord never lets it go, it stays.

        Raises:
            NotPosted
        """
        try:
            await self._delete(standing)
        except PostRefused as error:
            log.info("a surplus message stays", job=str(self._job.id), error=error.sentence)
        self._leave_out(standing)

    def _leave_out(self, standing: Standing) -> None:
        self._standing.remove(standing)
        self._note(self.posted)

    async def _delete(self, standing: Standing) -> None:
        """Raises: PostRefused, NotPosted."""
        if not self.is_private:
            await self._api.delete(standing)
        elif self._venue.token is not None:
            await self._api.delete_response(self._venue.token, standing.message)
