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
    from bot.frontends.discord.examination import look_at  # noqa: PLC0415 - no platform's libraries without its token
    from bot.frontends.discord.permissions import lacking  # noqa: PLC0415

    try:
        token = settings.discord_token.get_secret_value()
        standing = asyncio.run(asyncio.wait_for(look_at(token), PATIENCE_S))
    except (ThreadsightError, TimeoutError) as error:
        found = error.sentence if isinstance(error, ThreadsightError) else f"no answer within {PATIENCE_S:g} s"
        yield fail("Discord", found, "see docs/discord.md")
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
