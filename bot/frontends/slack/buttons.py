"""The buttons under an answer. What they need is written on them, so they work after any restart."""

from collections.abc import Mapping
from typing import Any

import msgspec
import structlog

from bot.frontends.slack.blocks import Button, read_button
from bot.frontends.slack.desk import Desk
from bot.frontends.slack.place import Place
from bot.frontends.slack.workspace import Workspace
from bot.mention import Mention
from jobs import JobKind, Sampling, Turn
from jobs.errors import NotTheLastTurn, QuestionUnknown

_NOT_YOURS = "Only the person who asked can do that."
_OVER = "That answer has ended already."
_ANOTHER_DRAW = Sampling(temperature=0.7, top_p=0.95)  # drawn greedily it would be the same answer again

log = structlog.get_logger()


class Press(msgspec.Struct, frozen=True, kw_only=True):
    """A button that somebody pressed."""

    team: str
    user: str
    channel: str
    thread: str
    value: str

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> "Press":
        """From `block_actions` in a message."""
        container = body["container"]
        return cls(
            team=body["team"]["id"],
            user=body["user"]["id"],
            channel=container["channel_id"],
            thread=container.get("thread_ts") or container["message_ts"],
            value=body["actions"][0].get("value") or "",
        )

    def place(self, asked: str) -> Place:
        """Where the answer stands."""
        return Place(
            team=self.team,
            channel=self.channel,
            thread=self.thread,
            asked=asked,
            user=self.user,
            is_direct=self.channel.startswith("D"),
        )


class Buttons:
    """Stop, Regenerate, thumbs: the first two are the asker's."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def stop(self, press: Press) -> None:
        """End the answer here."""
        button = await self._for_asker(press)
        if button is not None and not await self._desk.responder.stop(button.id):
            await self._whisper(press, _OVER)

    async def regenerate(self, press: Press) -> None:
        """Answer once more, in the same place, with other words.

        Raises:
            StoreUnavailable: nothing was accepted.
        """
        button = await self._for_asker(press)
        if button is None:
            return
        place = press.place(asked=_asked(button, press))
        conversation = await self._desk.conversations.load(place.conversation)
        if self._desk.replies.under_way(conversation.id):
            return  # the first press of two, or a newer question
        turn = next((turn for turn in conversation.turns if turn.source == button.id.source), None)
        if turn is None:
            await self._whisper(press, QuestionUnknown().sentence)
        elif turn is not conversation.turns[-1]:
            await self._whisper(press, NotTheLastTurn().sentence)
        else:
            await self._desk.responder.respond(_again(turn, place))

    async def take_feedback(self, press: Press) -> None:
        """Thumbs are for whoever runs the bot: the log has them."""
        thumb, _, job = press.value.partition(" ")
        log.info("feedback", team=press.team, user=press.user, job=job, thumb=thumb)
        await self._whisper(press, "Thank you, that is noted.")

    async def _for_asker(self, press: Press) -> Button | None:
        button = read_button(press.value)
        if button.asker == press.user:
            return button
        await self._whisper(press, _NOT_YOURS)
        return None

    async def _whisper(self, press: Press, text: str) -> None:
        workspace: Workspace = await self._desk.workspace(press.team)
        await self._desk.whisper(workspace, press.channel, press.user, text, thread=press.thread)


def _asked(button: Button, press: Press) -> str:
    """The ts of the question: it is in the name of a message's question; a form's is the thread's first message."""
    channel, _, ts = button.id.source.partition("/")
    return ts if channel == press.channel else press.thread


def _again(turn: Turn, place: Place) -> Mention:
    return Mention(
        conversation=place.conversation,
        source=turn.source,
        revision=turn.revision + 1,
        asker=turn.asker or place.user,
        kind=JobKind(turn.kind),
        text=turn.question,
        references=tuple(picture.ref for picture in turn.pictures),
        reply_to=place.write(),
        sampling=_ANOTHER_DRAW,
    )
