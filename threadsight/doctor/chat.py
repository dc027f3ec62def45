"""The chat platforms' tokens, and the picture formats that can be taken in."""

import importlib.util
import os
from collections.abc import Iterator

from dotenv import dotenv_values

from threadsight.doctor.finding import Finding, fail, warn, well

DISCORD_TOKEN_PARTS = 3  # id, time and signature, with dots between


def examine_tokens() -> Iterator[Finding]:
    """Set, and of the right form. Tokens are not shown, and nobody is asked whether they are valid."""
    settings = {name: value for name, value in {**dotenv_values(".env"), **os.environ}.items() if value}
    discord = settings.get("DISCORD_TOKEN")
    slack = {name: settings.get(name, "") for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN")}
    if discord is None and not any(slack.values()):
        advice = "set DISCORD_TOKEN, or SLACK_BOT_TOKEN and SLACK_APP_TOKEN, to answer in a chat"
        yield warn("Chat", "no platform is set up; the command line answers", advice)
    if discord is not None:
        yield _examine_discord(discord)
    if any(slack.values()):
        yield _examine_slack(slack["SLACK_BOT_TOKEN"], slack["SLACK_APP_TOKEN"])


def _examine_discord(token: str) -> Finding:
    if len(token.split(".")) != DISCORD_TOKEN_PARTS:
        advice = "copy it from the developer portal: your application, Bot, Reset Token"
        return fail("Discord", "DISCORD_TOKEN is not a bot's token", advice)
    return well("Discord", "a token is set")


def _examine_slack(bot_token: str, app_token: str) -> Finding:
    if not bot_token.startswith("xoxb-"):
        return fail("Slack", "SLACK_BOT_TOKEN does not start with xoxb-", "copy it from OAuth & Permissions")
    if not app_token.startswith("xapp-"):
        return fail(
            "Slack", "SLACK_APP_TOKEN does not start with xapp-", "copy it from Basic Information, App-Level Tokens"
        )
    return well("Slack", "both tokens are set")


def examine_pictures() -> Iterator[Finding]:
    """The formats beyond those that every Pillow reads."""
    if importlib.util.find_spec("PIL") is None:
        yield warn("Pictures", "cannot be taken in here", "pip install 'threadsight[bot]'")
        return
    from PIL import features  # noqa: PLC0415 - not everywhere installed

    readable = {
        "WebP": features.check("webp"),
        "AVIF": features.check("avif"),
        "HEIC": importlib.util.find_spec("pillow_heif") is not None,
    }
    missing = [name for name, there in readable.items() if not there]
    if missing:
        yield warn("Pictures", f"{' and '.join(missing)} cannot be read", "pip install 'threadsight[bot]'")
    else:
        yield well("Pictures", "PNG, JPEG, GIF, WebP, AVIF and HEIC can be read")
