"""The buttons under an answer. What they need to know is written on them, so they work after any restart."""

import enum
import re

import discord
import msgspec

from bot.frontends.discord.place import PLATFORM, WHOLE_CHANNEL
from jobs import ConversationId, Job, JobId

TEMPLATE = re.compile(
    r"ts:(?P<verb>[a-z]+):(?P<channel>\d+):(?P<thread>\d+|-):(?P<source>\d+):(?P<revision>\d+):(?P<asker>\d*)"
)


class Verb(enum.StrEnum):
    """What a button does."""

    STOP = "stop"
    AGAIN = "again"
    READ = "read"
    GOOD = "good"
    BAD = "bad"
    SHARE = "share"


# The label, the emoji and the style of each.
_LOOKS: dict[Verb, tuple[str | None, str | None, discord.ButtonStyle]] = {
    Verb.STOP: ("Stop", None, discord.ButtonStyle.danger),
    Verb.AGAIN: ("Regenerate", None, discord.ButtonStyle.secondary),
    Verb.READ: ("Read text", None, discord.ButtonStyle.secondary),
    Verb.GOOD: (None, "\N{THUMBS UP SIGN}", discord.ButtonStyle.secondary),
    Verb.BAD: (None, "\N{THUMBS DOWN SIGN}", discord.ButtonStyle.secondary),
    Verb.SHARE: ("Share", None, discord.ButtonStyle.primary),
}


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """The question that a button belongs to. Its tenant is where the button is pressed."""

    channel: str
    thread: str
    source: str
    revision: int
    asker: str

    @classmethod
    def of(cls, job: Job) -> "Ticket":
        """For the buttons under a job's answer."""
        where = job.conversation
        return cls(
            channel=where.channel, thread=where.thread, source=job.source, revision=job.revision, asker=job.asker
        )

    @classmethod
    def read(cls, found: re.Match[str]) -> "Ticket":
        """From a button's id that matches `TEMPLATE`."""
        return cls(
            channel=found["channel"],
            thread=found["thread"],
            source=found["source"],
            revision=int(found["revision"]),
            asker=found["asker"],
        )

    def conversation(self, guild: int | None) -> ConversationId:
        """The conversation of the question, on the server where the button is (None: a DM)."""
        tenant = f"dm-{self.channel}" if guild is None else str(guild)
        return ConversationId(platform=PLATFORM, tenant=tenant, channel=self.channel, thread=self.thread)

    def job(self, guild: int | None) -> JobId:
        """The revision that stood there when the button was drawn."""
        tenant_key = self.conversation(guild).tenant_key
        return JobId(tenant_key=tenant_key, source=self.source, revision=self.revision)

    def identify(self, verb: Verb) -> str:
        """The button's id. Discord takes 100 characters, and its own ids have 20 at most."""
        assert self.thread == WHOLE_CHANNEL or self.thread.isdigit()
        return f"ts:{verb}:{self.channel}:{self.thread}:{self.source}:{self.revision}:{self.asker}"


class Button(msgspec.Struct, frozen=True):
    """One button."""

    verb: Verb
    ticket: Ticket
    pressed: bool = False


def view_of(buttons: tuple[Button, ...]) -> discord.ui.View | None:
    """A row of buttons, as discord.py sends it."""
    if not buttons:
        return None
    view = discord.ui.View(timeout=None)
    for button in buttons:
        label, emoji, style = _LOOKS[button.verb]
        view.add_item(
            discord.ui.Button(
                label=label,
                emoji=emoji,
                style=discord.ButtonStyle.success if button.pressed else style,
                custom_id=button.ticket.identify(button.verb),
            )
        )
    view.stop()  # else discord.py keeps it for ever to wait for presses, which find their button without it
    return view


def tickets_on(message: discord.Message) -> list[Ticket]:
    """The questions that a message's buttons belong to."""
    rows = (row for row in message.components if isinstance(row, discord.ActionRow))
    ids = (child.custom_id or "" for row in rows for child in row.children if isinstance(child, discord.Button))
    return [Ticket.read(found) for name in ids if (found := TEMPLATE.fullmatch(name))]
