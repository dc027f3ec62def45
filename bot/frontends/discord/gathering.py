"""Pictures first, words after: a message without a question waits a moment for it."""

import asyncio
from contextlib import suppress

import discord


class Gathering:
    """Messages that wait for words of the same person in the same channel, `patience_s` each."""

    def __init__(self, patience_s: float) -> None:
        self._patience_s = patience_s
        self._open: dict[tuple[int, int], _Heap] = {}

    async def gather(self, message: discord.Message) -> list[discord.Message]:
        """The message, and what the same person adds to it in time; words end the wait. Without what was withdrawn."""
        key = (message.channel.id, message.author.id)
        heap = self._open[key] = _Heap(message)
        try:
            await heap.wait(self._patience_s)
        finally:
            del self._open[key]
        return heap.messages

    def offer(self, message: discord.Message, *, has_words: bool) -> bool:
        """Add a message to those that wait for it; False when none does."""
        heap = self._open.get((message.channel.id, message.author.id))
        if heap is None:
            return False
        heap.add(message, has_words=has_words)
        return True

    def amend(self, message: discord.Message, *, has_words: bool) -> bool:
        """It was edited while it waits: take it as it is now; False when it does not wait."""
        return any(heap.amend(message, has_words=has_words) for heap in self._open.values())

    def withdraw(self, message: int) -> None:
        """It was deleted: leave it out."""
        for heap in self._open.values():
            heap.messages = [kept for kept in heap.messages if kept.id != message]


class _Heap:
    def __init__(self, first: discord.Message) -> None:
        self.messages = [first]
        self._changed = asyncio.Event()
        self._has_words = False

    def add(self, message: discord.Message, *, has_words: bool) -> None:
        if all(message.id != known.id for known in self.messages):  # else the same event, sent again
            self.messages.append(message)
            self._has_words = has_words
            self._changed.set()

    def amend(self, message: discord.Message, *, has_words: bool) -> bool:
        places = [place for place, known in enumerate(self.messages) if known.id == message.id]
        for place in places:
            self.messages[place] = message
            self._has_words = self._has_words or has_words
            self._changed.set()
        return bool(places)

    async def wait(self, patience_s: float) -> None:
        while not self._has_words:
            self._changed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(patience_s):
                    await self._changed.wait()
                    continue
            return
