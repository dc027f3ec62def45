"""Finding the answer to a question on Discord itself, for when this process did not write it."""

import discord
import structlog

from bot.errors import NotPosted
from bot.frontend import Posted
from bot.frontends.discord.api import Api
from bot.frontends.discord.buttons import tickets_on
from bot.frontends.discord.errors import PostRefused, TooManyPosts
from bot.frontends.discord.place import Place, Standing
from bot.mention import Mention

log = structlog.get_logger()


async def find_answer(api: Api, mention: Mention, me: int) -> Posted:
    """Our messages whose buttons belong to this question, in its thread or its channel; none where it is not found.

    Raises:
        NotPosted: Discord does not say now.
    """
    place = Place.read(mention.reply_to)
    for channel in [int(mention.source), place.channel] if place.opens_thread else [place.channel]:
        try:
            messages = await api.recent_messages(channel, after=int(mention.source))
        except TooManyPosts as error:
            raise NotPosted(reason=error.sentence) from error
        except PostRefused as error:
            log.info("answer not looked up", source=mention.source, channel=channel, error=error.sentence)
            continue
        found = [message for message in messages if message.author.id == me and _answers(message, mention)]
        if found:
            return tuple(str(Standing(channel, message.id)) for message in found)
    return ()


def _answers(message: discord.Message, mention: Mention) -> bool:
    return any(ticket.source == mention.source for ticket in tickets_on(message))
