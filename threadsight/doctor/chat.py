"""The chat platforms' tokens, and the picture formats that can be taken in."""

import importlib.util
from collections.abc import Iterator, Mapping

from jobs.settings import read_variables
from threadsight.doctor.finding import Finding, fail, warn, well

DISCORD_TOKEN_PARTS = 3  # id, time and signature, with dots between


def examine_tokens() -> Iterator[Finding]:
    """Set, and of the right form. Tokens are not shown, and nobody is asked whether they are valid."""
    settings = read_variables()
    discord = settings.get("DISCORD_TOKEN")
    slack = {name: settings.get(name, "") for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_CLIENT_ID")}
    if discord is None and not any(slack.values()):
        advice = "set DISCORD_TOKEN, or SLACK_BOT_TOKEN and SLACK_APP_TOKEN, to answer in a chat"
        yield warn("Chat", "no platform is set up; the command line answers", advice)
    if discord is not None:
        yield _examine_discord(discord)
    if any(slack.values()):
        yield _examine_slack(settings)


def _examine_discord(token: str) -> Finding:
    if len(token.split(".")) != DISCORD_TOKEN_PARTS:
        advice = "copy it from the developer portal: your application, Bot, Reset Token"
        return fail("Discord", "DISCORD_TOKEN is not a bot's token", advice)
    return well("Discord", "a token is set")


def _examine_slack(settings: Mapping[str, str]) -> Finding:
    """One workspace needs a bot token, Socket Mode an app token; HTTP and several workspaces need other secrets."""
    if "SLACK_CLIENT_ID" not in settings and not settings.get("SLACK_BOT_TOKEN", "").startswith("xoxb-"):
        return fail("Slack", "SLACK_BOT_TOKEN does not start with xoxb-", "copy it from OAuth & Permissions")
    needed = {
        "BOT_SLACK_HTTP_PORT": ("SLACK_SIGNING_SECRET",),
        "SLACK_CLIENT_ID": ("SLACK_CLIENT_SECRET", "BOT_SLACK_HTTP_PORT"),
    }
    missing = [name for given in needed if given in settings for name in needed[given] if name not in settings]
    if missing:
        return fail("Slack", f"{missing[0]} is not set", "copy it from Basic Information (the port is yours to choose)")
    if "BOT_SLACK_HTTP_PORT" not in settings and not settings.get("SLACK_APP_TOKEN", "").startswith("xapp-"):
        return fail(
            "Slack", "SLACK_APP_TOKEN does not start with xapp-", "copy it from Basic Information, App-Level Tokens"
        )
    return well("Slack", "its tokens are set")


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
