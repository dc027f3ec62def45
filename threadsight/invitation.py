"""The link that invites the bot into a Discord server."""

import asyncio

from bot.frontends.discord.invite import find_application, invite_url
from bot.settings import BotSettings
from threadsight.errors import ApplicationIdWrong, ApplicationUnknown


def invite_to_discord(application: str) -> str:
    """The link. Without the application's id Discord is asked whose token it is.

    Raises:
        ApplicationIdWrong: what was given is none; it may be a token, and is not told.
        ApplicationUnknown: neither an id nor a token.
        TokenRefused, DiscordAway: Discord cannot say.
    """
    if application:
        if not application.isdecimal():
            raise ApplicationIdWrong
        return invite_url(application)
    token = BotSettings.read().discord_token
    if token is None:
        raise ApplicationUnknown
    return invite_url(asyncio.run(find_application(token.get_secret_value())))
