"""The link that invites the bot into a server."""

from urllib.parse import urlencode

import discord

from bot.frontends.discord.permissions import needed
from bot.frontends.discord.rest import log_in

_AUTHORIZE = "https://discord.com/oauth2/authorize"


def invite_url(application_id: int | str) -> str:
    """A link that asks for the permissions that are needed, and no others."""
    query = {"client_id": application_id, "scope": "bot applications.commands", "permissions": needed().value}
    return f"{_AUTHORIZE}?{urlencode(query)}"


async def find_application(token: str) -> int:
    """The id of the application that a token belongs to, as Discord says.

    Raises:
        TokenRefused, DiscordAway.
    """
    async with discord.Client(intents=discord.Intents(guilds=True)) as client:
        await log_in(client, token)
        assert client.application_id is not None
        return client.application_id
