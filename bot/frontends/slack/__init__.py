"""Slack: mentions, threads, direct messages, commands and forms.

slack = Slack(Credentials(bot_token="xoxb-...", app_token="xapp-..."), stores)
async with open_chat(settings, stores, frontends=[slack], lease_s=store_settings.lease_s) as responder:
    await slack.run(responder)
"""

from bot.frontends.slack.credentials import Credentials
from bot.frontends.slack.frontend import Slack, open_slack

__all__ = ["Credentials", "Slack", "open_slack"]
