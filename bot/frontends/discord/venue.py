"""Where an answer may stand: its thread, else the channel it was asked in, else the asker's direct messages."""

import hashlib

import msgspec
import structlog

from bot.errors import PlaceGone
from bot.frontends.discord.api import Api, Part, Upload
from bot.frontends.discord.errors import ChannelClosed, MessageGone, PostRefused
from bot.frontends.discord.layout import MOST_CHARACTERS, title_for
from bot.frontends.discord.pace import Urgency
from bot.frontends.discord.permissions import lacking
from bot.frontends.discord.place import Place, Standing, Token, is_direct
from jobs import Job

_REPOSTS = 4  # of one part, when the messages that a nonce stands for are deleted again and again

log = structlog.get_logger()


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message of an answer: the part at `index`, or a refusal. `uploads` None leaves the files as they are."""

    index: int
    part: Part
    urgency: Urgency
    uploads: tuple[Upload, ...] | None = None
    instead_of: Standing | None = None  # a message that cannot be edited any more
    refuses: bool = False  # the question: its answer, should it be asked after all, is another message


class Venue:
    """Posts in the first place that takes it.

    A post carries a nonce of the question and its place among the parts, which Discord enforces for some minutes: a
    call whose response was lost makes no second message, and a later revision finds the message of an earlier one.
    """

    def __init__(self, api: Api, job: Job, *, home: int | None) -> None:
        self.home = home  # the channel where the answer stands already
        self._api = api
        self._job = job
        self._place = Place.read(job.reply_to)
        self._token = self._place.token
        self._closed: set[int] = set()  # channels that we found we cannot write in
        self._why = ""  # the answer stands where it does, when that is not its first place
        if self._place.no_thread:
            self._why = f"No thread: {lacking(self._place.no_thread)}."

    @property
    def token(self) -> Token | None:
        """What answers the interaction that asked, as long as it lives."""
        return self._token if self._token is not None and self._token.lives else None

    def lose_token(self) -> None:
        """Discord does not take it any more."""
        self._token = None

    async def post(self, message: Message) -> Standing:
        """As a new message.

        Raises:
            NotPosted
            PlaceGone: no place takes it.
        """
        for channel, refers_to in [] if self._place.is_ephemeral else await self._channels():
            if channel in self._closed:
                continue
            try:
                return await self._post_in(channel, message, refers_to)
            except PostRefused as error:
                log.warning("not posted there", job=str(self._job.id), channel=channel, error=error.sentence)
                self._closed.add(channel)
                self._why = f"Not in <#{channel}>: {error.sentence}"
        if self.token is not None:
            try:
                return await self._follow_up(self.token, message)
            except PostRefused as error:
                self._why = self._why or f"Not in <#{self._place.channel}>: {error.sentence}"
        return await self._post_directly(message)

    async def refuse(self, part: Part) -> None:
        """Where the question stands, in no thread of its own; else in the asker's direct messages.

        Raises:
            NotPosted
            PlaceGone: neither takes it.
        """
        here, self._why = self._place.channel, ""
        message = Message(index=0, part=part, urgency=Urgency.SIGN, refuses=True)
        try:
            await self._post_in(here, message, None if is_direct(self._job.conversation) else self._place.message)
        except PostRefused as error:
            log.warning("not refused there", job=str(self._job.id), channel=here, error=error.sentence)
            self._why = f"Not in <#{here}>: {error.sentence}"
            await self._post_directly(message)

    def explain(self, message: Message, channel: int) -> Part:
        """The first part says why it stands where it does; buttons would not find their question from elsewhere."""
        part = message.part if self._knows(channel) else msgspec.structs.replace(message.part, buttons=())
        if message.index > 0 or not self._why:
            return part
        line = f"\n-# {self._why}"
        return Part(content=f"{part.content[: MOST_CHARACTERS - len(line)]}{line}", buttons=part.buttons)

    def _nonce(self, channel: int, which: str) -> str:
        """Discord takes 25 characters."""
        named = f"{self._job.conversation} {self._job.source} {channel} {which}"
        return hashlib.blake2b(named.encode(), digest_size=12).hexdigest()

    async def _follow_up(self, token: Token, message: Message) -> Standing:
        """With the interaction's token: nobody but Discord can tell whether it was sent already."""
        upload = message.uploads[0] if message.uploads else None
        sent = await self._api.follow_up(token, self.explain(message, self._place.channel), upload=upload)
        return Standing(self._place.channel, sent)

    async def _post_directly(self, message: Message) -> Standing:
        """In the asker's direct messages: the last place that there is."""
        try:
            direct = await self._api.open_direct(self._place.asker)
            return await self._post_in(direct, message, None)
        except PostRefused as error:
            raise PlaceGone(reason=self._why or error.sentence) from error

    async def _post_in(self, channel: int, message: Message, refers_to: int | None) -> Standing:
        which = f"refusal {self._job.revision}" if message.refuses else f"{message.index} {message.instead_of}"
        for attempt in range(_REPOSTS):
            try:
                standing = await self._api.post(
                    channel,
                    self.explain(message, channel),
                    nonce=self._nonce(channel, f"{which} {attempt}"),
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
            self.home = channel
            return standing
        raise MessageGone

    async def _channels(self) -> list[tuple[int, int | None]]:
        """Channels to write in, the best first, each with the message to refer to there."""
        place = self._place
        channels: dict[int, int | None] = {}
        if self.home is not None:
            channels[self.home] = place.message if self.home == place.channel else None
        elif place.opens_thread and (thread := await self._open_thread()) is not None:
            channels[thread] = None
        if is_direct(self._job.conversation):
            channels.setdefault(place.channel, None)
        else:
            channels.setdefault(place.channel, place.message)
            if not place.in_private:
                channels.setdefault(int(self._job.conversation.channel), None)
        return list(channels.items())

    async def _open_thread(self) -> int | None:
        assert self._place.message is not None
        title = title_for(self._job.text)
        try:
            self.home = await self._api.open_thread(self._place.channel, self._place.message, title)
        except PostRefused as error:
            log.warning("no thread", job=str(self._job.id), error=error.sentence)
            self._why = f"No thread: {error.sentence}"
        return self.home

    def _knows(self, channel: int) -> bool:
        """Whether the conversation is there: its channel, its thread; not the direct messages of who asked elsewhere."""
        where, place = self._job.conversation, self._place
        return is_direct(where) or channel in {place.channel, place.message, int(where.channel), int(where.thread)}
