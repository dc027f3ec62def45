"""What was said in a thread before the bot was asked there: its pictures and its words.

Slack lets an app that is distributed outside its Marketplace read 15 messages a call and make one call a minute; then
there is one page, and the answer says so.
"""

import asyncio

import msgspec
import structlog

from bot.errors import NotPosted, PlaceGone
from bot.frontends.slack.escaping import read_text
from bot.frontends.slack.message import Message, SharedFile, read_message
from bot.frontends.slack.workspace import Workspace

_PAGE = 100
_MOST_PAGES = 10

log = structlog.get_logger()


class Earlier(msgspec.Struct, frozen=True, kw_only=True):
    """What the bot found. `note` says what it could not read."""

    files: tuple[SharedFile, ...] = ()
    words: tuple[str, ...] = ()
    note: str = ""


async def read_earlier(workspace: Workspace, asked: Message, *, within_s: float) -> Earlier:
    """The thread before this message, as much of it as can be read in this time."""
    assert asked.thread is not None, "only a thread has an earlier part"
    found: list[Message] = []
    complete = False
    try:
        async with asyncio.timeout(within_s):
            complete = await _read_pages(workspace, asked, found)
    except (NotPosted, PlaceGone, TimeoutError) as error:
        log.info("thread not read", team=workspace.team, channel=asked.channel, error=str(error))
    texts = (read_text(message.text, bot_user=workspace.bot_user) for message in found)
    return Earlier(
        files=tuple(file for message in found for file in message.files),
        words=tuple(text for text in texts if text),
        note="" if complete else _incomplete(len(found)),
    )


async def _read_pages(workspace: Workspace, asked: Message, found: list[Message]) -> bool:
    """Fill `found`; whether that is all."""
    cursor: dict[str, str] = {}
    for _ in range(_MOST_PAGES):
        page = await workspace.call(
            "conversations.replies",
            0.0,  # with one call a minute there is no second one before the question must be accepted
            channel=asked.channel,
            ts=asked.thread,
            latest=asked.ts,
            limit=_PAGE,
            **cursor,
        )
        for event in page["messages"]:
            message = read_message(event, team=asked.team, channel=asked.channel)
            if message is not None and message.ts < asked.ts:
                found.append(message)
        following = (page.get("response_metadata") or {}).get("next_cursor")
        if not following:
            return True
        cursor = {"cursor": following}
    return False


def _incomplete(count: int) -> str:
    if not count:
        return "The earlier messages of this thread could not be read. Post a picture again if it matters."
    return (
        f"Only the first {count} messages of this thread could be read: Slack limits how fast this app may read. "
        "Post a later picture again if it matters."
    )
