"""The link that invites the bot into a server."""

from urllib.parse import urlencode

import aiohttp
import discord

from bot.errors import DiscordUnreachable
from bot.frontends.discord.errors import TokenRefused
from bot.frontends.discord.permissions import needed

_AUTHORIZE = "https://discord.com/oauth2/authorize"


def invite_url(application_id: int | str) -> str:
    """A link that asks for the permissions that are needed, and no others."""
    query = {"client_id": application_id, "scope": "bot applications.commands", "permissions": needed().value}
    return f"{_AUTHORIZE}?{urlencode(query)}"
