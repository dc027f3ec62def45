"""Discord itself, asked: the token, the intent, the permissions in every server."""

import asyncio
from collections.abc import Iterator

from bot.settings import BotSettings
from jobs.errors import ThreadsightError
from threadsight.doctor.finding import Finding, fail, warn, well

PATIENCE_S = 15.0
INTENT_ADVICE = "switch it on in the developer portal: your application, Bot, Message Content Intent"


def examine_discord(settings: BotSettings) -> Iterator[Finding]:
    """Nothing where there is no token; the network is needed where there is one."""
    if settings.discord_token is None:
        return
    from aiohttp import ClientError  # noqa: PLC0415 - no platform's libraries without its token
    from discord import DiscordException  # noqa: PLC0415

    from bot.frontends.discord.examination import look_at  # noqa: PLC0415
    from bot.frontends.discord.permissions import lacking  # noqa: PLC0415

    try:
        token = settings.discord_token.get_secret_value()
        standing = asyncio.run(asyncio.wait_for(look_at(token), PATIENCE_S))
    except TimeoutError:
        yield fail("Discord", f"no answer within {PATIENCE_S:g} s", "see docs/discord.md")
        return
    except ThreadsightError as error:
        yield fail("Discord", error.sentence, "see docs/discord.md")
        return
    except (DiscordException, ClientError, OSError) as error:  # it has taken the token, and says no more
        found = f"the token is taken, but not what else was asked ({str(error) or type(error).__name__})"
        yield warn("Discord", found, "try again in a minute")
        return
    yield well("Discord", f"connected as {standing.name}, {_counted(len(standing.servers))}")
    if not standing.reads_everything:
        yield warn("Discord", "only messages that mention the bot or reply to it are seen", INTENT_ADVICE)
    if not standing.servers:
        yield warn("Discord", "the bot is in no server", "open the link that `threadsight discord-invite` prints")
    for server, lacks in standing.servers:
        if lacks:
            yield warn("Discord", f"{server}: {lacking(lacks)}", "invite it again, or give its role what is missing")


def _counted(servers: int) -> str:
    return f"{servers} server{'' if servers == 1 else 's'}"
