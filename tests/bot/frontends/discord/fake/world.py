"""What there is on a Discord: people, servers, channels, messages, and how each looks on the wire."""

import hmac
import itertools
import secrets
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Payload = dict[str, Any]

_EPOCH_MS = 1_420_070_400_000
_numbers = itertools.count(1)
_KEY = secrets.token_bytes(16)

TEXT, DM, VOICE, PUBLIC_THREAD, FORUM = 0, 1, 2, 11, 15
DEFAULT, THREAD_CREATED, REPLY, COMMAND, STARTER = 0, 18, 19, 20, 21

PERMISSIONS = {
    "administrator": 1 << 3,
    "view_channel": 1 << 10,
    "send_messages": 1 << 11,
    "manage_messages": 1 << 13,
    "attach_files": 1 << 15,
    "read_message_history": 1 << 16,
    "manage_threads": 1 << 34,
    "create_public_threads": 1 << 35,
    "send_messages_in_threads": 1 << 38,
}
NEEDED = frozenset(PERMISSIONS) - {"administrator", "manage_messages", "manage_threads"}
ALL = frozenset(PERMISSIONS)


def snowflake(at: float | None = None) -> int:
    """A new id, larger than every one before it."""
    return (int((at or time.time()) * 1000 - _EPOCH_MS) << 22) + next(_numbers) % (1 << 22)


def iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()


def bits(names: frozenset[str]) -> str:
    return str(sum(PERMISSIONS[name] for name in names))


@dataclass(eq=False)
class User:
    name: str
    bot: bool = False
    id: int = field(default_factory=snowflake)

    @property
    def mention(self) -> str:
        return f"<@{self.id}>"

    def payload(self) -> Payload:
        return {
            "id": str(self.id),
            "username": self.name,
            "global_name": None,
            "discriminator": "0",
            "avatar": None,
            "bot": self.bot,
        }


@dataclass(eq=False)
class Guild:
    name: str
    id: int = field(default_factory=snowflake)
    members: dict[int, frozenset[str]] = field(default_factory=dict)  # permissions by user
    roles: dict[int, list[int]] = field(default_factory=dict)  # role ids by user
    channels: list["Channel"] = field(default_factory=list)
    bot_role: int = field(default_factory=snowflake)
    named_roles: dict[int, str] = field(default_factory=dict)

    def member(self, user: User, *, nested: bool = True) -> Payload:
        payload: Payload = {
            "roles": [str(role) for role in self.roles.get(user.id, [])],
            "joined_at": iso(0),
            "deaf": False,
            "mute": False,
            "flags": 0,
        }
        return {**payload, "user": user.payload()} if nested else payload

    def payload(self, bot: User) -> Payload:
        everyone = {"id": str(self.id), "name": "@everyone", "permissions": "0"}
        own = {
            "id": str(self.bot_role),
            "name": bot.name,
            "permissions": bits(self.members[bot.id]),
            "tags": {"bot_id": str(bot.id)},
        }
        others = [{"id": str(role), "name": name, "permissions": "0"} for role, name in self.named_roles.items()]
        rest = {"color": 0, "hoist": False, "managed": True, "mentionable": True, "position": 1, "flags": 0}
        return {
            "id": str(self.id),
            "name": self.name,
            "owner_id": "1",
            "roles": [{**role, **rest} for role in (everyone, own, *others)],
            "emojis": [],
            "features": [],
            "members": [self.member(bot)],
            "member_count": len(self.members),
            "channels": [channel.payload() for channel in self.channels if channel.parent is None],
            "threads": [
                channel.payload() for channel in self.channels if channel.parent is not None and not channel.archived
            ],
            "voice_states": [],
            "presences": [],
            "stage_instances": [],
            "guild_scheduled_events": [],
            "verification_level": 0,
            "default_message_notifications": 0,
            "explicit_content_filter": 0,
            "mfa_level": 0,
            "nsfw_level": 0,
            "premium_tier": 0,
            "system_channel_flags": 0,
            "preferred_locale": "en-US",
            "premium_progress_bar_enabled": False,
        }


@dataclass(eq=False)
class Channel:
    name: str
    guild: Guild | None = None
    kind: int = TEXT
    parent: "Channel | None" = None
    owner: User | None = None
    id: int = field(default_factory=snowflake)
    messages: list["Message"] = field(default_factory=list)
    archived: bool = False
    locked: bool = False
    deleted: bool = False
    denied: frozenset[str] = frozenset()  # to the bot

    @property
    def written(self) -> list["Message"]:
        return [message for message in self.messages if not message.deleted]

    def payload(self) -> Payload:
        payload: Payload = {"id": str(self.id), "type": self.kind, "name": self.name, "flags": 0}
        if self.guild is None:
            return {**payload, "recipients": [self.owner.payload()] if self.owner else []}
        payload |= {"guild_id": str(self.guild.id), "parent_id": str(self.parent.id) if self.parent else None}
        if self.parent is None:
            denied = {"id": str(self.guild.bot_role), "type": 0, "allow": "0", "deny": bits(self.denied)}
            place = {"position": 0, "permission_overwrites": [denied], "nsfw": False}
            return {**payload, **place, **({"bitrate": 64_000, "user_limit": 0} if self.kind == VOICE else {})}
        metadata = {
            "archived": self.archived,
            "locked": self.locked,
            "auto_archive_duration": 1440,
            "archive_timestamp": iso(0),
        }
        owner = str(self.owner.id) if self.owner else "1"
        return {**payload, "owner_id": owner, "thread_metadata": metadata, "message_count": 0, "member_count": 1}


@dataclass(eq=False)
class File:
    """What a person attaches; it may be other than it says, late, or cut short."""

    name: str
    content: bytes
    content_type: str | None = "image/png"
    says_bytes: int | None = None  # its size, as Discord says it
    cut_at: int | None = None  # bytes, after which the connection ends
    pause_s: float = 0.0  # before the first byte
    lives_s: float = 86_400.0  # how long an address works
    id: int = field(default_factory=snowflake)
    fetched: int = 0

    def path(self, channel: int) -> str:
        return f"/attachments/{channel}/{self.id}/{self.name}"

    def sign(self, channel: int, expires: int) -> str:
        return hmac.new(_KEY, f"{self.path(channel)} {expires}".encode(), "sha256").hexdigest()

    def payload(self, base: str, channel: int) -> Payload:
        expires = int(time.time() + self.lives_s)
        address = f"{base}{self.path(channel)}?ex={expires:x}&is=0&hm={self.sign(channel, expires)}&"
        size = len(self.content) if self.says_bytes is None else self.says_bytes
        payload: Payload = {
            "id": str(self.id),
            "filename": self.name,
            "size": size,
            "url": address,
            "proxy_url": address,
        }
        return payload if self.content_type is None else {**payload, "content_type": self.content_type}


@dataclass(eq=False)
class Message:
    channel: Channel
    author: User
    content: str = ""
    files: list[File] = field(default_factory=list)
    kind: int = DEFAULT
    flags: int = 0
    components: list[Payload] = field(default_factory=list)
    embeds: list[Payload] = field(default_factory=list)
    mentions: list[User] = field(default_factory=list)
    roles: list[int] = field(default_factory=list)
    target: "Message | None" = None  # replied to
    forwarded: "Message | None" = None
    seen_by: User | None = None  # alone
    waits: bool = False  # "thinking ..."
    nonce: str | None = None
    pings: bool = False  # somebody was notified
    id: int = field(default_factory=snowflake)
    thread: Channel | None = None
    sent_at: float = field(default_factory=time.time)
    edited_at: float | None = None
    deleted: bool = False
    history: list[str] = field(default_factory=list)  # what it said before

    @property
    def buttons(self) -> dict[str, str]:
        """Ids by label or emoji."""
        rows = (child for row in self.components for child in row["components"])
        return {
            child.get("label") or child.get("emoji", {}).get("name") or child.get("placeholder"): child["custom_id"]
            for child in rows
        }

    def payload(self, base: str, *, blank: bool = False, deep: bool = True) -> Payload:
        payload: Payload = {
            "id": str(self.id),
            "channel_id": str(self.channel.id),
            "author": self.author.payload(),
            "content": "" if blank else self.content,
            "attachments": [] if blank else [file.payload(base, self.channel.id) for file in self.files],
            "components": [] if blank else self.components,
            "embeds": [] if blank else self.embeds,
            "mentions": [user.payload() for user in self.mentions],
            "mention_roles": [str(role) for role in self.roles],
            "mention_everyone": "@everyone" in self.content,
            "timestamp": iso(self.sent_at),
            "edited_timestamp": iso(self.edited_at) if self.edited_at else None,
            "type": self.kind,
            "flags": self.flags,
            "tts": False,
            "pinned": False,
        }
        if self.channel.guild is not None:
            payload["guild_id"] = str(self.channel.guild.id)
            if not self.author.bot:
                payload["member"] = self.channel.guild.member(self.author, nested=False)
        if self.target is not None:
            payload["message_reference"] = {
                "type": 0,
                "message_id": str(self.target.id),
                "channel_id": str(self.target.channel.id),
            }
            if deep:
                payload["referenced_message"] = None if self.target.deleted else self.target.payload(base, deep=False)
        if self.forwarded is not None:
            source = self.forwarded
            payload["message_reference"] = {
                "type": 1,
                "message_id": str(source.id),
                "channel_id": str(source.channel.id),
            }
            kept = (
                "content",
                "attachments",
                "embeds",
                "timestamp",
                "edited_timestamp",
                "type",
                "flags",
                "mentions",
                "components",
            )
            snapshot = source.payload(base, deep=False)
            payload["message_snapshots"] = [] if blank else [{"message": {name: snapshot[name] for name in kept}}]
        return payload


@dataclass(eq=False)
class Interaction:
    """A command, a button or a form that a person used, and what came of it."""

    user: User
    channel: Channel
    kind: int  # 2 a command, 3 a component, 5 a form
    data: Payload
    name: str = ""
    message: Message | None = None  # with the button
    id: int = field(default_factory=snowflake)
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    began_at: float = field(default_factory=time.time)
    answered_at: float | None = None
    original: Message | None = None
    follow_ups: list[Message] = field(default_factory=list)
    form: Payload | None = None

    @property
    def texts(self) -> list[str]:
        """What stands there, without what is still being thought about."""
        said = [self.original, *self.follow_ups] if self.original else self.follow_ups
        return [
            message.content for message in said if message is not None and not message.waits and not message.deleted
        ]

    @property
    def acknowledged_within_s(self) -> float:
        assert self.answered_at is not None, f"{self.name} was never acknowledged"
        return self.answered_at - self.began_at
