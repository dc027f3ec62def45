"""A message, as read from Slack's events. Nobody else looks into the events' JSON."""

from collections.abc import Mapping
from typing import Any, Self

import msgspec

from bot.frontends.slack.escaping import mentions
from bot.frontends.slack.place import PLATFORM, Place
from jobs import PictureRef

_BY_PEOPLE = frozenset({None, "file_share", "thread_broadcast", "me_message"})
_SEEN = _BY_PEOPLE | {"bot_message"}
_NO_LONGER_THERE = frozenset({"tombstone", "hidden_by_limit"})
_DIRECT = "im"
_SEEN_AS_PICTURES = ("image/", "application/pdf")


class SharedFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file beside a message. In Slack Connect only its id may be known (`file_access: check_file_info`)."""

    id: str
    name: str = ""
    size_bytes: int | None = None
    url: str = ""  # on Slack's own hosts, for whoever has the token
    type: str = ""  # MIME, as far as Slack says

    @classmethod
    def read(cls, file: Mapping[str, Any]) -> Self:
        """From Slack's file object."""
        return cls(
            id=file["id"],
            name=file.get("name") or file.get("title") or "",
            size_bytes=file.get("size"),
            url=file.get("url_private_download") or file.get("url_private") or "",
            type=file.get("mimetype") or "",
        )

    @property
    def claims_picture(self) -> bool:
        """Whether it may be one that can be looked at. The intake has the last word."""
        return not self.type or self.type.startswith(_SEEN_AS_PICTURES)

    def as_reference(self, team: str) -> PictureRef:
        """What can be fetched again: the file's id, never its address."""
        return PictureRef(
            platform=PLATFORM, origin=f"{team}/{self.id}", name=self.name, size_bytes=self.size_bytes or None
        )


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A message of a person, or of another app, which asks nothing: it can only be looked at."""

    team: str  # the workspace that the bot is installed in
    channel: str
    ts: str
    user: str
    thread: str | None = None  # ts of the thread's first message, where it is in one
    under: str | None = None  # who began that thread
    text: str = ""  # as Slack encodes it
    files: tuple[SharedFile, ...] = ()
    is_direct: bool = False
    is_by_app: bool = False

    @property
    def place(self) -> Place:
        """Where its answer goes: its thread, or a new one under it."""
        return Place(
            team=self.team,
            channel=self.channel,
            thread=self.thread or self.ts,
            asked=self.ts,
            user=self.user,
            is_direct=self.is_direct,
        )

    @property
    def references(self) -> tuple[PictureRef, ...]:
        """Its files. What is no picture is said at the intake."""
        return tuple(file.as_reference(self.team) for file in self.files)

    def says_the_same_as(self, other: "Message") -> bool:
        """No word and no file differs: an unfurled link is no change."""
        return self.text == other.text and [file.id for file in self.files] == [file.id for file in other.files]


def read_message(event: Mapping[str, Any], *, team: str) -> Message | None:
    """The message in an event; None when no person wrote it."""
    if event.get("bot_id") or not event.get("user") or event.get("subtype") not in _BY_PEOPLE:
        return None
    return read_seen(event, team=team, ours="")


def read_seen(
    event: Mapping[str, Any], *, team: str, ours: str, channel: str = "", is_direct: bool = False
) -> Message | None:
    """The message in an event or a history; None when it is our own (`ours`: the bot's id), or Slack's.

    `channel` and `is_direct` are for messages inside another object, which do not say where they stand.
    """
    user = event.get("user") or ""
    if event.get("bot_id") == ours or user == "USLACKBOT" or event.get("subtype") not in _SEEN:
        return None
    return Message(
        team=team,
        channel=channel or event["channel"],
        ts=event["ts"],
        user=user,
        thread=event.get("thread_ts"),
        under=event.get("parent_user_id"),
        text=event.get("text") or "",
        files=read_all_files(event),
        is_direct=is_direct or event.get("channel_type") == _DIRECT,
        is_by_app=bool(event.get("bot_id")),
    )


def read_all_files(message: Mapping[str, Any]) -> tuple[SharedFile, ...]:
    """Those of a message, and those of messages that were forwarded in it. What is only linked to is not meant."""
    forwarded = [shown for shown in message.get("attachments") or () if shown.get("is_share")]
    files = (file for part in (message, *forwarded) for file in read_files(part.get("files") or ()))
    return tuple({file.id: file for file in files}.values())


def read_files(files: Any) -> tuple[SharedFile, ...]:
    """Those of the files that are still there."""
    return tuple(SharedFile.read(file) for file in files if file.get("mode") not in _NO_LONGER_THERE)


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A message that was edited."""

    before: Message | None
    after: Message

    @property
    def is_real(self) -> bool:
        """Somebody changed the words or the files."""
        return self.before is None or not self.before.says_the_same_as(self.after)

    def names(self, user: str) -> bool:
        """Whoever wrote it mentions somebody whom they did not mention before."""
        before = mentions(self.before.text) if self.before else ()
        return not self.after.is_by_app and user in mentions(self.after.text) and user not in before

    @property
    def lost(self) -> frozenset[str]:
        """The origins of files that were deleted, or taken out of it."""
        before = self.before.references if self.before else ()
        return frozenset(ref.origin for ref in before) - {ref.origin for ref in self.after.references}


def read_change(event: Mapping[str, Any], *, team: str, ours: str) -> Change | None:
    """From `message_changed`; None when it is our own message, or another app's that lost no file."""
    after = _read_within(event, event["message"], team=team, ours=ours)
    if after is None:
        return None
    change = Change(before=read_previous(event, team=team, ours=ours), after=after)
    return None if after.is_by_app and not change.lost else change


def read_previous(event: Mapping[str, Any], *, team: str, ours: str) -> Message | None:
    """The message as it was before `message_deleted` or `message_changed`; None when it was our own, or is not told."""
    previous = event.get("previous_message")
    return _read_within(event, previous, team=team, ours=ours) if previous else None


def _read_within(event: Mapping[str, Any], message: Mapping[str, Any], *, team: str, ours: str) -> Message | None:
    is_direct = event.get("channel_type") == _DIRECT
    return read_seen(message, team=team, ours=ours, channel=event["channel"], is_direct=is_direct)
