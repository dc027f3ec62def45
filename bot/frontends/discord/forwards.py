"""Forwards: what somebody writes beside one is their next message, and may be a question about it."""

from collections import OrderedDict
from datetime import datetime, timedelta

import discord

from bot.frontends.discord.reading import is_forward

_SOON = timedelta(seconds=5)  # Discord sends the two one after the other
_REMEMBERED = 500
_FOR = timedelta(hours=1)  # a question can be edited, and is about the same pictures


class Forwards:
    """Which of the latest messages came right after a forward, of the same person in the same channel."""

    def __init__(self) -> None:
        self._latest: OrderedDict[tuple[int, int], discord.Message] = OrderedDict()  # by channel and author
        self._before: OrderedDict[int, discord.Message] = OrderedDict()  # by the message that came next

    def note(self, message: discord.Message) -> None:
        """A message was written."""
        if message.author.bot:
            return
        self._let_go(message.created_at)
        where = (message.channel.id, message.author.id)
        before = self._latest.pop(where, None)
        if is_forward(message):
            self._latest[where] = message
        elif before is not None and message.created_at - before.created_at < _SOON:
            self._before[message.id] = before

    def before(self, message: discord.Message) -> discord.Message | None:
        """The forward that this message was written beside."""
        return self._before.get(message.id)

    def withdraw(self, message: int) -> None:
        """A message was deleted."""
        for where in [where for where, forward in self._latest.items() if forward.id == message]:
            del self._latest[where]
        for comment in [comment for comment, forward in self._before.items() if forward.id == message]:
            del self._before[comment]

    def _let_go(self, now: datetime) -> None:
        """What nobody will ask about, and the oldest where there are many."""
        for kept, time in ((self._latest, _SOON), (self._before, _FOR)):
            while kept and (len(kept) >= _REMEMBERED or now - next(iter(kept.values())).created_at > time):
                kept.popitem(last=False)
