"""The Web API of the small Slack: what it refuses is what the bot relies on not being refused."""

import json
import re
import time
from collections import defaultdict, deque
from typing import Any

import msgspec

from tests.bot.frontends.slack.world import File, Message, Team, new_ts

TIERS = {  # calls a minute; the rest is tier 3
    "chat.postMessage": 600,
    "assistant.threads.setStatus": 600,
    "chat.startStream": 20,
    "chat.stopStream": 20,
    "chat.appendStream": 100,
    "files.info": 100,
    "views.open": 100,
    "users.info": 100,
    "auth.test": 600,
    "apps.connections.open": 60,
}
NEEDED = {
    "chat.postMessage": "chat:write",
    "chat.postEphemeral": "chat:write",
    "chat.update": "chat:write",
    "chat.delete": "chat:write",
    "chat.startStream": "chat:write",
    "chat.appendStream": "chat:write",
    "chat.stopStream": "chat:write",
    "conversations.replies": "channels:history",
    "files.info": "files:read",
    "files.getUploadURLExternal": "files:write",
    "files.completeUploadExternal": "files:write",
    "files.delete": "files:write",
    "users.info": "users:read",
    "conversations.history": "channels:history",
    "agents.sessions.setStatus": "chat:write",
    "assistant.threads.setStatus": "chat:write",
}
# What Slack does not take as JSON.
FORMS = {
    "auth.test",
    "chat.delete",
    "conversations.history",
    "conversations.replies",
    "files.completeUploadExternal",
    "files.delete",
    "files.getUploadURLExternal",
    "files.info",
    "users.info",
}
BURST = 5  # posts in one channel, then one a second


class RefusedError(Exception):
    """`{"ok": false, "error": ...}`, or an HTTP status."""

    def __init__(self, error: str, *, status: int = 200, **extra: Any) -> None:
        super().__init__(error)
        self.status = status
        self.body = {"ok": False, "error": error, **extra}


class WebApi:
    """Methods by name."""

    def __init__(self) -> None:
        self.teams: dict[str, Team] = {}  # by token
        self.files_url = ""
        self.upload_url = ""
        self.page: int | None = None  # what conversations.replies gives at most
        self.uploads: dict[str, File] = {}
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.too_many = 0  # 429s
        self.hears_stop = True  # the app is subscribed to agent_session_stopped
        self._windows: defaultdict[tuple[str, str], deque[float]] = defaultdict(deque)
        self._buckets: dict[tuple[str, str], tuple[float, float]] = {}

    def answer(self, method: str, token: str, arguments: dict[str, Any], *, is_json: bool) -> dict[str, Any]:
        self.calls.append((method, arguments))
        if is_json and method in FORMS:
            raise RefusedError("invalid_arguments")
        team = self.teams.get(token)
        if team is None:
            raise RefusedError("invalid_auth")
        self._check_rate(team, method, arguments)
        needed = NEEDED.get(method)
        if needed is not None and needed not in team.scopes:
            raise RefusedError("missing_scope", needed=needed, provided=",".join(sorted(team.scopes)))
        name = re.sub(r"(?<=[a-z])(?=[A-Z])|\.", "_", method).lower()
        handler = getattr(self, f"_{name}")
        return {"ok": True, **(handler(team, arguments) or {})}

    def count(self, method: str) -> int:
        return sum(name == method for name, _ in self.calls)

    def _check_rate(self, team: Team, method: str, arguments: dict[str, Any]) -> None:
        now = time.monotonic()
        window = self._windows[team.id, method]
        while window and now - window[0] > 60:
            window.popleft()
        if len(window) >= TIERS.get(method, 50):
            self.too_many += 1
            raise RefusedError("ratelimited", status=429)
        if method == "chat.postMessage":
            key = (team.id, arguments["channel"])
            left, then = self._buckets.get(key, (float(BURST), now))
            left = min(float(BURST), left + now - then)
            if left < 1:
                self.too_many += 1
                raise RefusedError("ratelimited", status=429)
            self._buckets[key] = (left - 1, now)
        window.append(now)

    # ------------------------------------------------------------ messages

    def _auth_test(self, team: Team, _: dict[str, Any]) -> dict[str, Any]:
        return {"team_id": team.id, "user_id": team.bot_user, "bot_id": team.bot}

    def _chat_post_message(self, team: Team, arguments: dict[str, Any]) -> dict[str, Any]:
        message = self._new(team, arguments)
        assert arguments["unfurl_links"] is False
        assert arguments["unfurl_media"] is False
        team.messages.append(message)
        return {"channel": message.channel, "ts": message.ts}

    def _chat_post_ephemeral(self, team: Team, arguments: dict[str, Any]) -> dict[str, Any]:
        message = self._new(team, arguments)
        message.to = arguments["user"]
        if message.thread is None or len(team.thread(message.channel, message.thread)) > 1:  # else nobody sees it
            team.messages.append(message)
        return {"message_ts": message.ts}

    def _chat_update(self, team: Team, arguments: dict[str, Any]) -> None:
        message = self._own(team, arguments)
        if message.is_streaming:
            raise RefusedError("streaming_state_conflict")
        check_blocks(arguments["blocks"])
        message.edits.append(message.said)
        message.text, message.blocks = arguments["text"], arguments["blocks"]
        message.metadata = arguments.get("metadata") or message.metadata

    def _chat_delete(self, team: Team, arguments: dict[str, Any]) -> None:
        self._own(team, arguments).is_deleted = True

    def _chat_start_stream(self, team: Team, arguments: dict[str, Any]) -> dict[str, Any]:
        assert arguments["recipient_user_id"]
        assert arguments["recipient_team_id"]
        message = self._new(team, {**arguments, "text": arguments["markdown_text"]})
        message.is_streaming = True
        team.messages.append(message)
        team.busy.add(message.thread or "")
        warnings = [] if self.hears_stop else ["missing_agent_session_stopped_event_subscription"]
        return {"channel": message.channel, "ts": message.ts, "response_metadata": {"warnings": warnings}}

    def _chat_append_stream(self, team: Team, arguments: dict[str, Any]) -> None:
        message = self._streaming(team, arguments)
        message.edits.append(message.text)
        message.text += arguments["markdown_text"]
        if len(message.text) > 12_000:
            raise RefusedError("msg_too_long")

    def _chat_stop_stream(self, team: Team, arguments: dict[str, Any]) -> None:
        message = self._streaming(team, arguments)
        check_blocks(arguments.get("blocks") or [])
        message.text += arguments.get("markdown_text") or ""
        message.blocks = [{"type": "markdown", "text": message.text}, *(arguments.get("blocks") or [])]
        message.metadata = arguments.get("metadata")
        message.is_streaming = False
        team.busy.discard(message.thread or "")

    def _conversations_replies(self, team: Team, arguments: dict[str, Any]) -> dict[str, Any]:
        channel, root = arguments["channel"], arguments["ts"]
        self._check_member(team, channel)
        thread = team.thread(channel, root)
        if not thread:
            raise RefusedError("thread_not_found")
        oldest, latest = arguments.get("oldest", "0"), arguments.get("latest", "9")
        thread = [thread[0], *(message for message in thread[1:] if oldest < message.ts < latest)]
        first = int(arguments.get("cursor") or 0)
        end = first + min(int(arguments["limit"]), self.page or 1_000)
        with_metadata = arguments.get("include_all_metadata") == "1"
        return {
            "messages": [self.shown(team, message, metadata=with_metadata) for message in thread[first:end]],
            "response_metadata": {"next_cursor": str(end) if end < len(thread) else ""},
        }

    def _conversations_history(self, team: Team, arguments: dict[str, Any]) -> dict[str, Any]:
        self._check_member(team, arguments["channel"])
        roots = [
            self.shown(team, message, metadata=arguments.get("include_all_metadata") == "1")
            for message in team.messages
            if message.channel == arguments["channel"] and not message.is_deleted and message.thread is None
        ]
        return {"messages": roots[::-1][: int(arguments["limit"])]}

    def _new(self, team: Team, arguments: dict[str, Any]) -> Message:
        channel, thread = arguments["channel"], arguments.get("thread_ts")
        self._check_member(team, channel)
        if thread is not None and not team.thread(channel, thread):
            raise RefusedError("thread_not_found")
        check_blocks(arguments.get("blocks") or [])
        return Message(
            channel=channel,
            user=team.bot_user,
            bot=team.bot,
            text=arguments["text"],
            thread=thread,
            blocks=arguments.get("blocks"),
            metadata=arguments.get("metadata"),
        )

    def _own(self, team: Team, arguments: dict[str, Any]) -> Message:
        message = team.find(arguments["channel"], arguments["ts"])
        if message is None:
            raise RefusedError("message_not_found")
        assert message.bot == team.bot, "only its own messages may be changed"
        return message

    def _streaming(self, team: Team, arguments: dict[str, Any]) -> Message:
        message = self._own(team, arguments)
        if not message.is_streaming:
            raise RefusedError("message_not_in_streaming_state")
        return message

    def _check_member(self, team: Team, channel: str) -> None:
        if channel not in team.members:
            raise RefusedError("channel_not_found")
        if team.bot_user not in team.members[channel]:
            raise RefusedError("not_in_channel")

    def shown(self, team: Team, message: Message, *, metadata: bool = False) -> dict[str, Any]:
        """As Slack's JSON."""
        shown: dict[str, Any] = {"type": "message", "user": message.user, "ts": message.ts, "text": message.text}
        if message.thread:
            root = team.find(message.channel, message.thread)
            shown |= {"thread_ts": message.thread, "parent_user_id": root.user if root else ""}
        elif len(team.thread(message.channel, message.ts)) > 1:
            shown["thread_ts"] = message.ts
        if message.is_tombstone:
            return {**shown, "user": "USLACKBOT", "text": "This message was deleted.", "subtype": "tombstone"}
        if message.files:
            files = [file.shown(self.files_url, team.id, whole=False) for file in message.files]
            shown |= {"files": files, "subtype": "file_share"}
        if message.forwarded:
            files = [file.shown(self.files_url, team.id, whole=False) for file in message.forwarded]
            shown["attachments"] = [{"is_share": True, "files": files}, {"is_msg_unfurl": True, "files": files[:0]}]
        if message.bot:
            shown["bot_id"] = message.bot
        if message.blocks:
            shown["blocks"] = message.blocks
        if metadata and message.metadata:
            shown["metadata"] = message.metadata
        if message.edited:
            shown["edited"] = {"user": message.user, "ts": message.edited}
        return shown

    # ------------------------------------------------------------ files, views, assistant

    def _files_info(self, team: Team, arguments: dict[str, Any]) -> dict[str, Any]:
        file = team.files.get(arguments["file"])
        if file is None or file.is_deleted:
            raise RefusedError("file_deleted" if file else "file_not_found")
        return {"file": file.shown(self.files_url, team.id, whole=True)}

    def _files_delete(self, team: Team, arguments: dict[str, Any]) -> None:
        for message in team.messages:
            message.files = [file for file in message.files if file.id != arguments["file"]]
            if message.bot and not message.files and not message.text and not message.blocks:
                message.is_deleted = True

    def _users_info(self, team: Team, arguments: dict[str, Any]) -> dict[str, Any]:
        user = arguments["user"]
        home = "TELSEWHERE" if user.startswith("UGUEST") else team.id
        return {"user": {"id": user, "team_id": home, "is_admin": user in team.admins, "is_owner": False}}

    def _files_get_upload_urlexternal(self, _: Team, arguments: dict[str, Any]) -> dict[str, Any]:
        file = File(arguments["filename"], b"", id=f"F{new_ts()}")
        self.uploads[file.id] = file
        return {"upload_url": f"{self.upload_url}{file.id}", "file_id": file.id}

    def _files_complete_upload_external(self, team: Team, arguments: dict[str, Any]) -> None:
        files = [self.uploads[named["id"]] for named in json.loads(arguments["files"])]
        message = self._new(team, {**arguments, "channel": arguments["channel_id"], "text": ""})
        message.files = files
        team.messages.append(message)

    def _views_open(self, team: Team, arguments: dict[str, Any]) -> dict[str, Any]:
        view = {**arguments["view"], "id": f"V{new_ts()}"}
        assert len(view["title"]["text"]) <= 24
        assert len(view["private_metadata"]) <= 3_000
        team.views[arguments["trigger_id"]] = view
        return {"view": view}

    def _views_publish(self, team: Team, arguments: dict[str, Any]) -> None:
        check_blocks(arguments["view"]["blocks"])
        team.homes[arguments["user_id"]] = arguments["view"]

    def _assistant_threads_set_status(self, team: Team, arguments: dict[str, Any]) -> None:
        team.statuses.append((arguments["thread_ts"], arguments["status"]))
        (team.busy.add if arguments["status"] else team.busy.discard)(arguments["thread_ts"])

    def _agents_sessions_set_status(self, team: Team, arguments: dict[str, Any]) -> None:
        assert arguments["status"] == "active"
        assert arguments["channel_id"] in team.members
        team.busy.discard(arguments["thread_ts"])

    def _assistant_threads_set_suggested_prompts(self, team: Team, arguments: dict[str, Any]) -> None:
        assert len(arguments["prompts"]) <= 4
        team.prompts.append(arguments)


def check_blocks(blocks: list[dict[str, Any]]) -> None:
    """Block Kit's limits, and that nothing in it could ping or link."""
    markdown = sum(len(block["text"]) for block in blocks if block["type"] == "markdown")
    if markdown > 12_000:
        raise RefusedError("msg_too_long")
    written = json.dumps(blocks, ensure_ascii=False)
    if len(written) > 13_200:
        raise RefusedError("msg_blocks_too_long")
    if re.search(r"<[!@#]|<http", written):
        raise AssertionError(f"not escaped: {written}")
    for block in blocks:
        words = [element.get("text") for element in block.get("elements", ())]
        too_long = block["type"] == "section" and len(block["text"]["text"]) > 3_000
        if too_long or "" in words or len(words) > (25 if block["type"] == "actions" else 10):
            raise RefusedError("invalid_blocks", detail=msgspec.json.encode(block).decode())
    if len(blocks) > 50 or sum(block["type"] == "table" for block in blocks) > 1:
        raise RefusedError("invalid_blocks")
