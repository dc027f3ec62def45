"""What was said in a thread before the bot was asked there: its pictures and its words.

Slack lets an app that is distributed outside its Marketplace read 15 messages a call and make one call a minute; then
there is one page, and the answer says so.
"""

import asyncio

import msgspec
import structlog

from bot.errors import NotPosted, PlaceGone
from bot.frontends.slack.escaping import read_text
from bot.frontends.slack.message import Message, SharedFile, read_seen
from bot.frontends.slack.place import Place
from bot.frontends.slack.workspace import Workspace

_READING_TIME_S = 1.5  # the event must be acknowledged within 3 s
_PAGE = 100
_MOST_PAGES = 10
_MOST_CONTEXT = 4_000  # characters of what was said, the latest: about a thousand tokens

log = structlog.get_logger()


class Earlier(msgspec.Struct, frozen=True, kw_only=True):
    """What the bot found. `note` says what it could not read."""

    files: tuple[SharedFile, ...] = ()
    words: tuple[str, ...] = ()
    note: str = ""

    def context(self, *, without_last: bool = False) -> str:
        """The words, as the model is told them; without the last ones where those are the question."""
        return "\n".join(self.words[:-1] if without_last else self.words)[-_MOST_CONTEXT:]


async def read_earlier(workspace: Workspace, place: Place, *, since_s: float) -> Earlier:
    """The thread before a question, as much of it as can be read while somebody waits.

    Nothing that was written by `since_s` (seconds since 1970) is looked at.
    """
    if not place.has_earlier:
        return Earlier()
    found: list[Message] = []
    complete = False
    try:
        async with asyncio.timeout(_READING_TIME_S):
            complete = await _read_pages(workspace, place, found, since_s=since_s)
    except (NotPosted, PlaceGone, TimeoutError) as error:
        log.info("thread not read", team=workspace.team, channel=place.channel, error=str(error))
    texts = (read_text(message.text, bot_user=workspace.bot_user) for message in found)
    return Earlier(
        # They were not shown to us: one that is no picture would only be refused, and take a picture's place.
        files=tuple(file for message in found for file in message.files if file.claims_picture),
        words=tuple(text for text in texts if text),
        note="" if complete else _incomplete(len(found)),
    )


async def _read_pages(workspace: Workspace, place: Place, found: list[Message], *, since_s: float) -> bool:
    """Fill `found`; whether that is all."""
    bounds = {"latest": place.asked, **({"oldest": f"{since_s:.6f}"} if since_s else {})}
    cursor: dict[str, str] = {}
    for _ in range(_MOST_PAGES):
        page = await workspace.call(
            "conversations.replies",
            0.0,  # with one call a minute there is no second one before the question must be accepted
            channel=place.channel,
            ts=place.thread,
            limit=_PAGE,
            **bounds,
            **cursor,
        )
        for event in page["messages"]:  # the thread's first message is among them, whatever the bounds
            message = read_seen(event, team=place.team, ours=workspace.bot, channel=place.channel)
            if message is not None and message.ts < place.asked and float(message.ts) > since_s:
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
