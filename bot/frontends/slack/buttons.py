"""The buttons under an answer, and Slack's own Stop. What ours need is written on them: they work after any restart."""

from collections.abc import Mapping
from typing import Any

import msgspec
import structlog

from bot.errors import NotPosted, PlaceGone
from bot.frontends.slack.blocks import Button, read_button
from bot.frontends.slack.deeds import NOT_YOURS
from bot.frontends.slack.desk import Desk
from bot.frontends.slack.place import Place
from bot.frontends.slack.status import StatusLine
from bot.frontends.slack.thread import read_earlier
from bot.mention import ANOTHER_DRAW, Mention
from jobs import JobKind, Turn
from jobs.errors import NotTheLastTurn, QuestionUnknown

_OVER = "That answer has ended already."

log = structlog.get_logger()


class Press(msgspec.Struct, frozen=True, kw_only=True):
    """A button that somebody pressed."""

    team: str
    user: str
    channel: str
    thread: str
    value: str

    @classmethod
    def read(cls, body: Mapping[str, Any], *, team: str) -> "Press":
        """From `block_actions` in a message."""
        container = body["container"]
        return cls(
            team=team,
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
            pressed=True,
            is_direct=self.channel.startswith("D"),
        )


class Buttons:
    """Stop, Regenerate, thumbs: the first two are for the asker, and for admins."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def stop(self, press: Press) -> None:
        """End the answer here."""
        button = await self._for_asker(press)
        if button is not None and not await self._desk.responder.stop(button.id):
            await self._whisper(press, _OVER)

    async def stop_session(self, place: Place) -> None:
        """Slack's own Stop was pressed, by the user of this place: what is being answered in its thread ends.

        https://docs.slack.dev/reference/events/agent_session_stopped
        """
        workspace = await self._desk.workspace(place.team)
        under_way = self._desk.replies.under_way_at(place.team, place.channel, place.thread)
        for reply in under_way:
            if await self._desk.may_act(workspace, place.user, asker=reply.job.asker):
                reply.halt()
                await self._desk.responder.stop(reply.job.id)
            else:
                await self._desk.whisper(workspace, place.channel, place.user, NOT_YOURS, thread=place.thread)
        if not under_way:  # of an earlier life: else Slack would show it as busy for an hour
            try:
                await StatusLine(place).end_session(workspace)
            except (NotPosted, PlaceGone) as error:
                log.info("session not ended", team=place.team, error=error.sentence)

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
        under_way = self._desk.replies.under_way(conversation.id)
        if any(job.source == button.id.source for job in under_way):
            return  # the first press of two
        turn = next((turn for turn in conversation.turns if turn.source == button.id.source), None)
        if turn is None:
            await self._whisper(press, QuestionUnknown().sentence)
        elif under_way or turn.source != conversation.last_source:
            await self._whisper(press, NotTheLastTurn().sentence)
        else:
            again = _again(turn, place, revision=conversation.last_revision + 1)
            # What was said before is told with the first question, where that is a message.
            if len(conversation.turns) == 1 and _is_message(button, press):
                workspace = await self._desk.workspace(press.team)
                earlier = await read_earlier(workspace, place, since_s=conversation.forgotten_at_s)
                context = earlier.context(without_last=earlier.words[-1:] == (turn.question,))
                again = msgspec.structs.replace(again, context=context)
            await self._desk.ask(again)

    async def take_feedback(self, press: Press) -> None:
        """Thumbs are for whoever runs the bot: the log has them."""
        thumb, _, job = press.value.partition(" ")
        log.info("feedback", team=press.team, user=press.user, job=job, thumb=thumb)
        await self._whisper(press, "Thank you, that is noted.")

    async def _for_asker(self, press: Press) -> Button | None:
        """None: it is not for whoever pressed it, who was told so."""
        button = read_button(press.value)
        is_of_here = button.id.tenant_key == press.place(asked="").conversation.tenant_key
        workspace = await self._desk.workspace(press.team)
        if is_of_here and await self._desk.may_act(workspace, press.user, asker=button.asker):
            return button
        await self._whisper(press, NOT_YOURS)
        return None

    async def _whisper(self, press: Press, text: str) -> None:
        workspace = await self._desk.workspace(press.team)
        await self._desk.whisper(workspace, press.channel, press.user, text, thread=press.thread)


def _asked(button: Button, press: Press) -> str:
    """The ts of the question: it is in the name of a message's or a menu's; a form's is the thread's first message."""
    asked_with, *_, ts = button.id.source.split("/")
    return press.thread if asked_with == "form" else ts


def _is_message(button: Button, press: Press) -> bool:
    """The question was written, and not asked with a menu or a form."""
    return button.id.source.startswith(f"{press.channel}/")


def _again(turn: Turn, place: Place, *, revision: int) -> Mention:
    return Mention(
        conversation=place.conversation,
        source=turn.source,
        revision=revision,
        asker=turn.asker or place.user,
        kind=JobKind(turn.kind),
        text=turn.question,
        references=tuple(picture.ref for picture in (*turn.again, *turn.pictures)),
        reply_to=place.write(),
        sampling=ANOTHER_DRAW,
    )
