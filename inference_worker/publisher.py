"""Sends an answer's text on its way, gathered so that the queue is not asked for every token."""

import time

from jobs import Claim, Delta, QueueOut

GATHER_S = 0.05  # people read in larger steps; a fast model draws ten tokens in this time


class Publisher:
    """Publishes one attempt's text. `text` is all of it, sent or not."""

    def __init__(self, queue: QueueOut, claim: Claim) -> None:
        self._queue = queue
        self._claim = claim
        self._sent = 0
        self._sent_at = 0.0  # the first words go at once
        self.text = ""

    async def add(self, text: str) -> None:
        """More text; what has gathered is published when it is time.

        Raises:
            Fenced: the job is no longer ours.
        """
        self.text += text
        if time.monotonic() - self._sent_at >= GATHER_S:
            delta = Delta(attempt=self._claim.attempt, offset=self._sent, text=self.text[self._sent :])
            await self._queue.publish(self._claim, delta)
            self._sent, self._sent_at = len(self.text), time.monotonic()
