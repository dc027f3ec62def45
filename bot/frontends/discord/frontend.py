"""Discord as a front end."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from weakref import WeakSet

import discord
import structlog

from bot.download import Hosts
from bot.frontend import Reply
from bot.frontends.discord.api import Api
from bot.frontends.discord.client import Gateway
from bot.frontends.discord.desk import Desk
from bot.frontends.discord.errands import Errands
from bot.frontends.discord.errors import DiscordAway
from bot.frontends.discord.layout import MOST_IN_PARTS
from bot.frontends.discord.library_log import forwarded_log
from bot.frontends.discord.pace import DRAFT_INTERVAL_S
from bot.frontends.discord.place import PLATFORM
from bot.frontends.discord.recent import Recent
from bot.frontends.discord.references import Pictures
from bot.frontends.discord.reply import DiscordReply
from bot.frontends.discord.rest import Rest, log_in
from bot.responder import Responder
from jobs import Job, PictureRef
from jobs.stores import Jobs

_PATIENCE_S = 1.5  # that pictures wait for their words
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 60.0
_DEAF = (
    "The message content intent is off: in servers only messages that mention the bot are seen, "
    "and replies to it with the mention left on. "
    "Switch it on in the developer portal: your application, Bot, Message Content Intent."
)
_MENTION_ME = "Mention me to ask on: I cannot read other messages here."

log = structlog.get_logger()


class Discord:
    """`Frontend`. Opened by `open_discord`."""

    platform = PLATFORM
    edit_interval_s = DRAFT_INTERVAL_S
    most_characters: int | None = MOST_IN_PARTS

    def __init__(self, token: str, stores: Jobs, *, hosts: Hosts, patience_s: float = _PATIENCE_S) -> None:
        self._token = token
        self._stores = stores
        self._patience_s = patience_s
        self._rest = Rest(token)
        self._api = Api(self._rest)
        self._pictures = Pictures(self._api, hosts)
        self._recent = Recent()
        self._errands = Errands()
        self._replies: WeakSet[DiscordReply] = WeakSet()  # to questions that are being answered
        self._reads_everything = True

    async def run(self, responder: Responder) -> None:
        """See `Frontend.run`. A Discord that is away is waited for.

        Raises:
            TokenRefused: Discord does not take the token.
        """
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                return await self._serve(responder)
            except DiscordAway as error:
                log.warning("Discord is away", error=error.sentence, again_in_s=pause_s)
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            except discord.PrivilegedIntentsRequired:
                assert self._reads_everything, "no other intent has to be switched on"
                self._reads_everything = False
                log.warning("Discord: something is switched off", advice=_DEAF)

    async def _serve(self, responder: Responder) -> None:
        gateway = Gateway(self._desk(responder), self._rest, patience_s=self._patience_s)
        try:
            await log_in(gateway, self._token)
            await gateway.connect()
        except discord.ConnectionClosed as error:  # not to be resumed: the token was reset, for one
            raise DiscordAway(reason=str(error)) from error
        finally:
            await gateway.close()

    def fetch(self, ref: PictureRef) -> AsyncGenerator[bytes, None]:
        """See `Frontend.fetch`."""
        return self._pictures.fetch(ref)

    def reply(self, job: Job, posted: Sequence[str]) -> Reply:
        """See `Frontend.reply`."""
        in_server = not job.conversation.tenant.startswith("dm-")
        reply = DiscordReply(
            job,
            posted,
            api=self._api,
            errands=self._errands,
            conversations=self._stores.conversations,
            small_print=() if self._reads_everything or not in_server else (_MENTION_ME,),
            note=self._recent.note,
        )
        self._replies.add(reply)
        return reply

    async def close(self) -> None:
        """Give the connections back."""
        await self._errands.close()
        await self._rest.close()

    def _withdraw(self, concerns: Callable[[Job], bool]) -> None:
        for reply in list(self._replies):
            if concerns(reply.job):
                reply.withdraw()

    def _desk(self, responder: Responder) -> Desk:
        return Desk(
            responder=responder,
            api=self._api,
            errands=self._errands,
            pictures=self._pictures,
            stored=self._stores.pictures,
            conversations=self._stores.conversations,
            eraser=self._stores.eraser,
            silences=self._stores.silences,
            monitor=self._stores.monitor,
            recent=self._recent,
            withdraw=self._withdraw,
            kept=responder.memory.kept_for,
            reads_everything=self._reads_everything,
        )


@asynccontextmanager
async def open_discord(token: str, stores: Jobs, *, hosts: frozenset[str]) -> AsyncIterator[Discord]:
    """The front end, until the end."""
    with forwarded_log():
        opened = Discord(token, stores, hosts=Hosts(hosts))
        try:
            yield opened
        finally:
            await opened.close()
