"""Slash commands, message shortcuts and the forms behind them."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog

from bot.errors import NotPosted, PlaceGone
from bot.frontends.slack.announcement import Announcement
from bot.frontends.slack.desk import Desk
from bot.frontends.slack.errors import CallRefused
from bot.frontends.slack.message import SharedFile, read_all_files
from bot.frontends.slack.modal import Filled, Form
from bot.frontends.slack.once import Once
from bot.frontends.slack.place import PLATFORM, Place
from bot.frontends.slack.workspace import Workspace
from bot.memory import words_for_forgotten
from bot.mention import Mention
from jobs import ConversationId, Forgotten, JobKind

COMMANDS = {
    "/ocr": "Read the text in pictures",
    "/compare": "Compare pictures",
    "/forget": "Forget everything you have asked",
    "/help": "How to ask, and what is kept",
}
SHORTCUTS = {
    "read_text": ("Read text", JobKind.OCR),
    "compare_pictures": ("Compare pictures", JobKind.COMPARE),
    "describe_image": ("Describe image", JobKind.DESCRIBE),
    "ask_about_image": ("Ask about this image", JobKind.ASK),
}
FORMS = {"/ocr": JobKind.OCR, "/compare": JobKind.COMPARE}

_NOT_THERE = "I am not in that channel. Invite me there first, or choose another place."
_NOT_NOW = "Slack does not let me post there right now. Please try again."
_PATIENCE_S = 2.0  # what opens a form must be used within three seconds
_DIRECT = "D"  # the first letter of a direct message's id

Say = Callable[[str], Awaitable[object]]

log = structlog.get_logger()


class Commands:
    """What people choose from menus. Every answer begins within three seconds."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._once = Once()

    async def open_form(self, team: str, trigger: str, form: Form) -> None:
        """Show a form.

        Raises:
            NotPosted, PlaceGone: it does not open.
        """
        workspace = await self._desk.workspace(team)
        await workspace.call("views.open", _PATIENCE_S, trigger_id=trigger, view=form.as_view())

    async def forget(self, team: str, user: str, channel: str) -> str:
        """Everything of one person, and the whole of the direct message that it is said in; what to answer."""
        place = ConversationId(platform=PLATFORM, tenant=team, channel=channel)
        memory = self._desk.responder.memory
        is_direct = channel.startswith(_DIRECT)
        under_way = self._desk.replies.live(
            lambda job: (
                job.conversation.tenant_key == place.tenant_key
                and (job.asker == user or (is_direct and job.conversation == place))
            )
        )
        parts = [await memory.forget_person(place.tenant_key, user)]
        if is_direct:
            parts.append(await memory.forget_conversation(place))
        for reply in under_way:
            reply.withdraw()
        return words_for_forgotten(Forgotten.all_of(parts))

    async def use_shortcut(self, name: str, body: Mapping[str, Any], say: Say, *, team: str) -> None:
        """A message's menu: ask about its files, in its thread. `say` speaks to the person alone."""
        kind = SHORTCUTS[name][1]
        channel, message = body["channel"]["id"], body["message"]
        thread = message.get("thread_ts") or message["ts"]
        files = read_all_files(message)
        if not files and kind is not JobKind.COMPARE:
            await say("There is no picture in that message.")
            return
        workspace = await self._desk.workspace(team)
        try:
            await self._check_place(workspace, channel, thread)
            self._desk.files.remember(team, files)
            if kind is JobKind.ASK:
                form = Form(kind=kind, channel=channel, thread=thread, files=files)
                await self.open_form(team, body["trigger_id"], form)
                return
        except PlaceGone:
            await say(_NOT_THERE)
            return
        place = Place(
            team=team,
            channel=channel,
            thread=thread,
            # Without replies there is no thread yet, in which a refusal would be seen.
            asked=body["action_ts"] if "thread_ts" in message else thread,
            user=body["user"]["id"],
            is_direct=channel[0] == _DIRECT,
        )
        await self._ask(place, source=f"menu/{channel}/{body['action_ts']}", kind=kind, question="", files=files)

    async def take_form(self, team: str, user: str, name: str, filled: Filled) -> dict[str, str]:
        """A form was sent: what must be corrected, by field. Empty: the question is accepted.

        Raises:
            StoreUnavailable: nothing was accepted.
        """
        if filled.errors:
            return filled.errors
        try:
            await self._once.do((team, filled.id), lambda: self._ask_form(team, user, name, filled))
        except (PlaceGone, CallRefused) as error:
            log.info("form misplaced", team=team, error=error.sentence)
            return filled.misplaced(_NOT_THERE)
        except NotPosted:
            return filled.misplaced(_NOT_NOW)
        return {}

    async def _ask_form(self, team: str, user: str, name: str, filled: Filled) -> None:
        """Ask in the thread that the form is about, or in a new one that says what is asked."""
        workspace = await self._desk.workspace(team)
        announcement = None if filled.form.thread else Announcement(workspace, filled, name)
        channel, thread = await announcement.post() if announcement else (filled.form.channel, filled.form.thread)
        place = Place(
            team=team,
            channel=channel,
            thread=thread,
            asked=thread,
            user=user,
            is_direct=channel.startswith(_DIRECT),
        )
        self._desk.files.remember(team, filled.files)
        is_accepted = False
        try:
            is_accepted = await self._ask(
                place,
                source=f"form/{filled.id}",
                kind=filled.form.kind,
                question=filled.question,
                files=filled.files,
            )
        finally:
            if announcement and not is_accepted:
                await announcement.retract()

    async def _check_place(self, workspace: Workspace, channel: str, thread: str) -> None:
        """Raises `PlaceGone` where the bot could not answer."""
        try:
            await workspace.call("conversations.replies", _PATIENCE_S / 2, channel=channel, ts=thread, limit=1)
        except NotPosted as error:
            log.info("place not checked", team=workspace.team, error=error.sentence)

    async def _ask(
        self, place: Place, *, source: str, kind: JobKind, question: str, files: tuple[SharedFile, ...]
    ) -> bool:
        """False: it was refused, and the person told."""
        mention = Mention(
            conversation=place.conversation,
            source=source,
            asker=place.user,
            kind=kind,
            text=question,
            references=tuple(file.as_reference(place.team) for file in files),
            reply_to=place.write(),
        )
        return await self._desk.ask(mention) is not None
