"""Whether Discord lets the bot do its work: for whoever sets it up."""

from typing import Any

import discord
import msgspec

from bot.frontends.discord.permissions import missing
from bot.frontends.discord.rest import log_in


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How the bot stands with Discord."""

    name: str
    reads_everything: bool  # the message content intent is on
    servers: tuple[tuple[str, tuple[str, ...]], ...]  # each with the permissions that are missing, by their names


async def look_at(token: str) -> Standing:
    """Ask Discord.

    Raises:
        TokenRefused, DiscordAway.
    """
    async with discord.Client(intents=discord.Intents(guilds=True)) as client:
        await log_in(client, token)
        guilds: Any = await client.http.get_guilds(limit=200)
        flags = client.application_flags
        return Standing(
            name=str(client.user),
            reads_everything=flags.gateway_message_content or flags.gateway_message_content_limited,
            servers=tuple((guild["name"], missing(discord.Permissions(int(guild["permissions"])))) for guild in guilds),
        )
