"""What people do in the small Slack."""

from dataclasses import dataclass
from typing import Any

from tests.bot.frontends.slack.server import Envelope, SlackServer, eventually
from tests.bot.frontends.slack.world import File, Message, Team, new_ts
from tests.bot.pictures import png

ALICE, BOB = "UALICE", "UBOB"


@dataclass
class People:
    """In one workspace."""

    slack: SlackServer
    team: Team

    @property
    def bot(self) -> str:
        """How the bot is mentioned."""
        return f"<@{self.team.bot_user}>"

    def picture(self, name: str = "a.png", *, content: bytes | None = None, **fields: Any) -> File:
        """A file in Slack that no message has yet."""
        file = File(name, png() if content is None else content, id=f"F{len(self.team.files) + 1}", **fields)
        self.team.files[file.id] = file
        return file

    def write(self, channel: str, text: str, *files: File, user: str = ALICE, thread: str | None = None) -> Message:
        """Post a message, of which nobody is told."""
        message = Message(channel=channel, user=user, text=text, files=list(files), thread=thread)
        self.team.messages.append(message)
        return message

    def write_as_app(self, channel: str, text: str, *files: File, thread: str | None = None) -> Message:
        """Another app posts a message, of which nobody is told."""
        message = self.write(channel, text, *files, user="UCHARTS", thread=thread)
        message.bot = "BCHARTS"
        return message

    def post(self, channel: str, text: str, *files: File, user: str = ALICE, thread: str | None = None) -> Message:
        """Post a message; the app is told."""
        message = self.write(channel, text, *files, user=user, thread=thread)
        self.slack.tell_message(self.team, message)
        return message

    async def ask(self, channel: str, text: str, *files: File, thread: str | None = None) -> Message:
        """Post a message and wait for the next finished answer in the channel."""
        before = len(self.team.answers(channel))
        self.post(channel, text, *files, thread=thread)
        await eventually(lambda: len(self.team.answers(channel)) > before)
        return self.team.answers(channel)[-1]

    def edit(self, message: Message, text: str) -> Envelope:
        """Change the words of a message."""
        before = self.slack.api.shown(self.team, message)
        message.text, message.edited = text, new_ts()
        self.slack.tell_mention(self.team, message)
        return self._tell_changed(message, before)

    def unfurl(self, message: Message) -> Envelope:
        """Slack adds a preview of a link; the words stay the same."""
        return self._tell_changed(message, self.slack.api.shown(self.team, message))

    def delete(self, message: Message) -> Envelope:
        """Delete a message; what has replies becomes a tombstone."""
        previous = self.slack.api.shown(self.team, message)
        if len(self.team.thread(message.channel, message.ts)) > 1:
            message.is_tombstone = True
            return self._tell_changed(message, previous)
        message.is_deleted = True
        return self.slack.tell(
            self.team,
            {
                "type": "message",
                "subtype": "message_deleted",
                "channel": message.channel,
                "channel_type": "im" if message.channel.startswith("D") else "channel",
                "deleted_ts": message.ts,
                "previous_message": previous,
            },
        )

    def delete_file(self, file: File) -> list[Envelope]:
        """Delete a file, wherever it is shown; its messages stay."""
        showing = [message for message in self.team.messages if file in (*message.files, *message.forwarded)]
        before = [self.slack.api.shown(self.team, message) for message in showing]
        file.is_deleted = file.is_tombstone = True
        return [self._tell_changed(*changed) for changed in zip(showing, before, strict=True)]

    def press_slack_s_stop(self, channel: str, thread: str, *, user: str = ALICE) -> Envelope:
        """Slack's own Stop, under a thread in which something is going on: it ends the streams, and tells."""
        assert thread in self.team.busy, "there is no such button"
        streams = [message for message in self.team.thread(channel, thread) if message.is_streaming]
        for stream in streams:
            stream.is_streaming = False
        event = {"type": "agent_session_stopped", "channel": channel, "thread_ts": thread, "user": user}
        return self.slack.tell(self.team, {**event, "streaming_message_ts": [stream.ts for stream in streams]})

    async def press(self, message: Message, action: str, *, user: str = ALICE, value: str | None = None) -> Envelope:
        """Press a button under a message."""
        element = message.buttons[action]
        container = {"type": "message", "message_ts": message.ts, "channel_id": message.channel}
        payload = {
            "type": "block_actions",
            "team": {"id": self.team.id},
            "user": {"id": user, "name": user.lower()},
            "channel": {"id": message.channel},
            "container": {**container, **({"thread_ts": message.thread} if message.thread else {})},
            "message": self.slack.api.shown(self.team, message),
            "trigger_id": new_ts(),
            "response_url": f"{self.slack.url}/response/1",
            "actions": [{"action_id": action, "type": element["type"], "value": value or element.get("value")}],
        }
        return await self._interact(payload)

    async def command(self, command: str, *, channel: str, user: str = ALICE) -> tuple[Envelope, dict[str, Any]]:
        """Type a slash command; the form that it opened."""
        trigger = new_ts()
        payload = {
            "command": command,
            "text": "",
            "team_id": self.team.id,
            "channel_id": channel,
            "user_id": user,
            "user_name": user.lower(),
            "trigger_id": trigger,
            "response_url": f"{self.slack.url}/response/1",
        }
        envelope = self.slack.send(Envelope("slash_commands", payload))
        await eventually(envelope.acknowledged.is_set)
        return envelope, self.team.views.get(trigger, {})

    async def shortcut(self, message: Message, callback: str, *, user: str = ALICE) -> dict[str, Any]:
        """Choose from a message's menu; the form that it opened, if any."""
        trigger = new_ts()
        await self._interact(
            {
                "type": "message_action",
                "callback_id": callback,
                "team": {"id": self.team.id},
                "user": {"id": user, "name": user.lower()},
                "channel": {"id": message.channel, "name": "general"},
                "message": self.slack.api.shown(self.team, message),
                "message_ts": message.ts,
                "action_ts": new_ts(),
                "trigger_id": trigger,
                "response_url": f"{self.slack.url}/response/1",
            }
        )
        return self.team.views.get(trigger, {})

    async def submit(
        self,
        view: dict[str, Any],
        *files: File,
        question: str = "",
        where: str | None = None,
        user: str = ALICE,
        home: str | None = None,
    ) -> Any:
        """Send a form; what came back with the acknowledgement. `home` is the person's workspace in Slack Connect."""
        shown = [file.shown(self.slack.api.files_url, self.team.id, whole=True) for file in files]
        values = {
            "files": {"files": {"type": "file_input", "files": shown}},
            "question": {"question": {"type": "plain_text_input", "value": question}},
            "where": {"where": {"type": "conversations_select", "selected_conversation": where}},
        }
        payload = {
            "type": "view_submission",
            "team": {"id": home or self.team.id},
            "user": {"id": user, "name": user.lower()},
            "view": {**view, "state": {"values": values}, "app_installed_team_id": self.team.id},
        }
        return (await self._interact(payload)).answer

    async def _interact(self, payload: dict[str, Any]) -> Envelope:
        envelope = self.slack.send(Envelope("interactive", payload))
        await eventually(envelope.acknowledged.is_set)
        return envelope

    def _tell_changed(self, message: Message, before: dict[str, Any]) -> Envelope:
        return self.slack.tell(
            self.team,
            {
                "type": "message",
                "subtype": "message_changed",
                "channel": message.channel,
                "channel_type": "im" if message.channel.startswith("D") else "channel",
                "message": self.slack.api.shown(self.team, message),
                "previous_message": before,
            },
        )
