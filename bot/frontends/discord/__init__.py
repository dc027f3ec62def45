"""Discord: mentions, threads, direct messages, commands and buttons.

async with open_discord(token, stores, hosts=frozenset({"cdn.discordapp.com"})) as discord:
    async with open_chat(settings, stores, frontends=[discord], lease_s=stores.settings.lease_s) as responder:
        await discord.run(responder)
"""

from bot.frontends.discord.frontend import Discord, open_discord

__all__ = ["Discord", "open_discord"]
