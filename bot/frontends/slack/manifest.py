"""The app's manifest: everything that Slack must know of the bot, to be pasted or opened as a link.

https://docs.slack.dev/reference/app-manifest
"""

import json
from typing import Any
from urllib.parse import quote

from bot.frontends.slack.commands import COMMANDS, SHORTCUTS
from bot.frontends.slack.home import SUGGESTED_PROMPTS

SCOPES = (
    "app_mentions:read",
    "assistant:write",
    "channels:history",
    "chat:write",
    "commands",
    "files:read",
    "files:write",
    "groups:history",
    "im:history",
    "im:write",
    "mpim:history",
    "users:read",
)
EVENTS = (
    "agent_session_stopped",
    "app_home_opened",
    "app_mention",
    "app_uninstalled",
    "message.channels",
    "message.groups",
    "message.im",
    "message.mpim",
    "tokens_revoked",
)
EVENTS_PATH = "/slack/events"

_NEW_APP = "https://api.slack.com/apps?new_app=1&manifest_json="
_SUMMARY = "Ask about pictures: answered on your own machine"
_ABOUT = (
    "Mention Threadsight with pictures and a question, and it answers in the thread; it remembers the thread's "
    "pictures, so you can ask on. It describes, reads text and compares. Pictures go to your own machine and the model you chose."
)


def build_manifest(*, name: str, public_url: str | None = None) -> dict[str, Any]:
    """The manifest. With the address that Slack reaches the bot at it is for signed HTTP, else for Socket Mode."""
    request = {} if public_url is None else {"request_url": f"{public_url.rstrip('/')}{EVENTS_PATH}"}
    command_url = {} if public_url is None else {"url": request["request_url"]}
    return {
        "display_information": {"name": name, "description": _SUMMARY, "long_description": _ABOUT},
        "features": {
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "agent_view": {"agent_description": _SUMMARY, "suggested_prompts": list(SUGGESTED_PROMPTS)},
            "bot_user": {"display_name": name, "always_online": True},
            "shortcuts": [
                {"name": label, "type": "message", "callback_id": callback, "description": label}
                for callback, (label, _) in SHORTCUTS.items()
            ],
            "slash_commands": [
                {"command": command, "description": text, "should_escape": False, **command_url}
                for command, text in COMMANDS.items()
            ],
        },
        "oauth_config": {
            **({} if public_url is None else {"redirect_urls": [f"{public_url.rstrip('/')}/slack/oauth_redirect"]}),
            "scopes": {"bot": list(SCOPES)},
        },
        "settings": {
            "event_subscriptions": {**request, "bot_events": list(EVENTS)},
            "interactivity": {"is_enabled": True, **request},
            "org_deploy_enabled": False,
            "socket_mode_enabled": public_url is None,
            "token_rotation_enabled": False,
        },
    }


def write_yaml(manifest: dict[str, Any]) -> str:
    """As Slack's editor takes it. Strings are quoted as in JSON, which YAML reads the same."""
    return "\n".join(_lines(manifest, indent=""))


def link_to_create(manifest: dict[str, Any]) -> str:
    """The page that makes a new app of it."""
    return _NEW_APP + quote(json.dumps(manifest, separators=(",", ":")), safe="")


def _lines(value: Any, *, indent: str) -> list[str]:
    if isinstance(value, dict):
        lines = []
        for key, inner in value.items():
            if isinstance(inner, dict | list):
                lines += [f"{indent}{key}:", *_lines(inner, indent=f"{indent}  ")]
            else:
                lines.append(f"{indent}{key}: {json.dumps(inner, ensure_ascii=False)}")
        return lines
    lines = []
    for item in value:
        inner = _lines(item, indent=f"{indent}  ") if isinstance(item, dict) else [f"{indent}  {json.dumps(item)}"]
        lines += [f"{indent}- {inner[0].lstrip()}", *inner[1:]]
    return lines
