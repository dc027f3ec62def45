"""Where an answer goes: what a job's `reply_to` says, and nobody but this front end reads."""

from typing import Self

import msgspec

from jobs import ConversationId

PLATFORM = "slack"


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A thread of a channel. `ts` are Slack's own ids of messages, times in seconds as text."""

    team: str
    channel: str
    thread: str  # ts of the thread's first message
    asked: str  # ts of the message that asks; for a command it is the thread's first
    user: str  # who asks
    pressed: bool = False  # a button under an answer asks: whoever pressed it looks at the thread
    is_direct: bool = False  # a direct message: nobody else reads it
    note: str = ""  # a sentence that belongs under the answer

    def write(self) -> str:
        """As `reply_to`."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def read(cls, reply_to: str) -> Self:
        """The inverse of `write`."""
        return msgspec.json.decode(reply_to, type=cls)

    @property
    def conversation(self) -> ConversationId:
        """The thread, or the whole of a direct message."""
        thread = "-" if self.is_direct else self.thread
        return ConversationId(platform=PLATFORM, tenant=self.team, channel=self.channel, thread=thread)

    @property
    def has_earlier(self) -> bool:
        """It was asked in a thread that others had begun."""
        return not self.is_direct and self.asked != self.thread

    @property
    def question(self) -> tuple[ConversationId, str]:
        """Which question of which conversation."""
        return self.conversation, self.source

    @property
    def source(self) -> str:
        """The question's name: its message is one question however often Slack sends it, under whatever event."""
        return f"{self.channel}/{self.asked}"
