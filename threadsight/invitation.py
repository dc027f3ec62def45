"""The link that invites the bot into a Discord server."""

import asyncio

from bot.frontends.discord.invite import find_application, invite_url
from bot.settings import BotSettings
from jobs.errors import Refused


class ApplicationUnknown(Refused):
    """Set DISCORD_TOKEN, or give the application's id (the developer portal shows it under General Information)."""


def invite_to_discord(application: str) -> str:
    """The link. Without the application's id Discord is asked whose token it is.

    Raises:
        ApplicationUnknown: neither an id nor a token.
        TokenRefused, DiscordAway: Discord cannot say.
    """
    if application:
        return invite_url(application)
    token = BotSettings.read().discord_token
    if token is None:
        raise ApplicationUnknown
    return invite_url(asyncio.run(find_application(token.get_secret_value())))
