"""A Slack app as it is set up, beside the manifest that it should have."""

from collections.abc import Iterator, Mapping
from typing import Any

from threadsight.doctor.finding import Finding, fail, warn, well

_EVENTS_ADVICE = "Event Subscriptions, Subscribe to bot events: add it, save, reinstall the app"


def compare_app(manifest: Mapping[str, Any], *, through_socket: bool) -> Iterator[Finding]:
    """What is missing in an exported manifest; a name or a description of one's own is nobody's business."""
    from bot.frontends.slack.manifest import build_manifest  # noqa: PLC0415 - imports slack-bolt

    wanted = build_manifest(name="")
    findings = [
        *_compare_events(manifest, wanted),
        *_compare_menus(manifest, wanted),
        *_compare_ways(manifest.get("settings", {}), through_socket=through_socket),
        *_compare_messages(manifest.get("features", {})),
    ]
    yield from findings or [well("Slack", "every event, command and menu of the app is there")]


def _compare_events(manifest: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[Finding]:
    told = _events_of(manifest)
    for event in sorted(_events_of(wanted) - told):
        yield fail("Slack", f"the app is not told of {event}", _EVENTS_ADVICE)


def _events_of(manifest: Mapping[str, Any]) -> set[str]:
    return set(manifest.get("settings", {}).get("event_subscriptions", {}).get("bot_events") or ())


def _compare_menus(manifest: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[Finding]:
    for kind, name, title in (
        ("slash_commands", "command", "Slash Commands"),
        ("shortcuts", "callback_id", "Shortcuts"),
    ):
        there = {one.get(name) for one in manifest.get("features", {}).get(kind) or ()}
        for one in wanted["features"][kind]:
            if one[name] not in there:
                label = one[name] if name == "command" else one["name"]
                yield fail(
                    "Slack", f"the app has no {label!r}", f"{title}: add it as `threadsight slack-manifest` has it"
                )


def _compare_ways(settings: Mapping[str, Any], *, through_socket: bool) -> Iterator[Finding]:
    """How events and presses of buttons come."""
    if not settings.get("interactivity", {}).get("is_enabled"):
        yield fail("Slack", "buttons and forms do nothing", "Interactivity & Shortcuts: switch it on")
    if through_socket and not settings.get("socket_mode_enabled"):
        yield fail("Slack", "Socket Mode is off", "Socket Mode: switch it on, or set BOT_SLACK_HTTP_PORT")
    if not through_socket and settings.get("socket_mode_enabled"):
        yield fail("Slack", "Socket Mode is on, so no signed requests come", "Socket Mode: switch it off")


def _compare_messages(features: Mapping[str, Any]) -> Iterator[Finding]:
    home = features.get("app_home", {})
    if not home.get("messages_tab_enabled") or home.get("messages_tab_read_only_enabled"):
        yield fail("Slack", "nobody can write to the bot directly", "App Home: allow users to send messages")
    if "agent_view" not in features:
        yield warn("Slack", "the app is no agent: no suggested prompts, no Stop of Slack's own", "Agents: switch it on")
