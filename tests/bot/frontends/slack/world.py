"""A small Slack in memory: workspaces with people, channels, messages and files, as Slack shows them to an app."""

import time
from dataclasses import dataclass, field
from typing import Any

_latest = [0]


def new_ts() -> str:
    """The time, never the same twice."""
    tick = _latest[0] = max(_latest[0] + 1, int(time.time() * 1_000_000))
    return f"{tick // 1_000_000}.{tick % 1_000_000:06d}"


SCOPES = frozenset(
    [
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
    ]
)


@dataclass
class File:
    """A file; the later fields make Slack's file host misbehave."""

    name: str
    content: bytes
    id: str = ""
    is_connect: bool = False  # only its id comes with the event
    is_deleted: bool = False
    is_tombstone: bool = False  # deleted, and messages show so by now
    url: str = ""  # elsewhere than on Slack's hosts
    redirect: str = ""
    busy: int = 0  # so many answers are no file
    busy_with: int = 503
    is_cut_short: bool = False
    mimetype: str = "image/png"

    def shown(self, files_url: str, team: str, *, whole: bool) -> dict[str, Any]:
        if self.is_tombstone:
            return {"id": self.id, "mode": "tombstone"}
        if self.is_connect and not whole:
            return {"id": self.id, "mode": "file_access", "file_access": "check_file_info"}
        address = self.url or f"{files_url}{team}-{self.id}/{self.name}"
        return {
            "id": self.id,
            "name": self.name,
            "mimetype": self.mimetype,
            "size": len(self.content),
            "url_private_download": address,
        }


@dataclass
class Message:
    """What stands in a channel. `edits` are the texts that stood there before."""

    channel: str
    user: str
    text: str = ""
    thread: str | None = None
    files: list[File] = field(default_factory=list)
    forwarded: list[File] = field(default_factory=list)  # of a message that was shared into this one
    blocks: list[dict[str, Any]] | None = None
    metadata: dict[str, Any] | None = None
    bot: str | None = None
    to: str | None = None  # only this person sees it
    ts: str = field(default_factory=new_ts)
    is_streaming: bool = False
    is_deleted: bool = False
    is_tombstone: bool = False  # deleted, with replies that stay
    edits: list[str] = field(default_factory=list)
    edited: str = ""  # when, last

    @property
    def said(self) -> str:
        """Every word that a reader sees, without the text that only notifications show."""
        return "\n".join(_words(self.blocks)) if self.blocks else self.text

    @property
    def buttons(self) -> dict[str, dict[str, Any]]:
        elements = [element for block in self.blocks or [] for element in block.get("elements", ())]
        return {element["action_id"]: element for element in elements if "action_id" in element}

    @property
    def is_answered(self) -> bool:
        return "feedback" in self.buttons


def _words(blocks: Any) -> list[str]:
    if isinstance(blocks, dict):
        own = [blocks["text"]] if isinstance(blocks.get("text"), str) else []
        inner = [value for value in blocks.values() if isinstance(value, dict | list)]
        if blocks.get("type") in {"actions", "context_actions"}:
            return []
        return own + [word for value in inner for word in _words(value)]
    return [word for block in blocks for word in _words(block)]


@dataclass
class Team:
    """A workspace that the app is installed in."""

    id: str
    token: str
    bot_user: str
    bot: str
    scopes: set[str] = field(default_factory=lambda: set(SCOPES))
    members: dict[str, set[str]] = field(default_factory=dict)  # by channel; the bot is in those it is named in
    messages: list[Message] = field(default_factory=list)
    files: dict[str, File] = field(default_factory=dict)
    homes: dict[str, dict[str, Any]] = field(default_factory=dict)  # by user
    views: dict[str, dict[str, Any]] = field(default_factory=dict)
    statuses: list[tuple[str, str]] = field(default_factory=list)  # thread and words
    prompts: list[Any] = field(default_factory=list)
    busy: set[str] = field(default_factory=set)  # threads under which Slack shows that something is going on
    admins: set[str] = field(default_factory=set)

    def add_channel(self, channel: str, *, with_bot: bool = True) -> str:
        """C... for a channel, D... for a direct message with the bot."""
        self.members[channel] = {self.bot_user} if with_bot else set()
        return channel

    def find(self, channel: str, ts: str) -> Message | None:
        return next(
            (found for found in self.messages if (found.channel, found.ts) == (channel, ts) and not found.is_deleted),
            None,
        )

    def thread(self, channel: str, root: str) -> list[Message]:
        return [
            message
            for message in self.messages
            if message.channel == channel and not message.is_deleted and root in {message.ts, message.thread}
            if message.to is None
        ]

    def by_bot(self, channel: str | None = None) -> list[Message]:
        return [
            message
            for message in self.messages
            if message.bot == self.bot and not message.is_deleted and channel in {None, message.channel}
        ]

    def answers(self, channel: str | None = None) -> list[Message]:
        return [message for message in self.by_bot(channel) if message.is_answered]
