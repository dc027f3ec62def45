"""Discord takes fifty requests a second from one bot: who goes first."""

import asyncio
import enum
import heapq
import itertools
from collections import deque

REQUESTS_PER_SECOND = 45  # Discord: 50; some are left to discord.py itself, which is not asked


class Urgency(enum.IntEnum):
    """What waits the shortest when there is not enough room for everything."""

    SIGN = 0  # the first that an asker sees: the thread, the placeholder
    ANSWER = 1  # the final text
    LOOK = 2  # a message or a channel that a question needs
    DRAFT = 3  # words on their way, a changed position
    TYPING = 4


class Pace:
    """At most `per_second` requests in any second, the most urgent first, each kind in its order."""

    def __init__(self, per_second: int = REQUESTS_PER_SECOND) -> None:
        self._taken: deque[float] = deque(maxlen=per_second)  # times of the latest requests
        self._waiting: list[tuple[Urgency, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()
        self._alarm: asyncio.TimerHandle | None = None

    async def turn(self, urgency: Urgency) -> None:
        """Until it is this one's turn."""
        if not self._waiting and self._room_in_s() <= 0:
            self._take()
            return
        turn = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (urgency, next(self._numbers), turn))
        self._set_alarm()
        await turn

    def _room_in_s(self) -> float:
        """Seconds until the next request may be made."""
        if len(self._taken) < (self._taken.maxlen or 0):
            return 0.0
        return self._taken[0] + 1.0 - asyncio.get_running_loop().time()

    def _take(self) -> None:
        self._taken.append(asyncio.get_running_loop().time())

    def _set_alarm(self) -> None:
        if self._alarm is None and self._waiting:
            loop = asyncio.get_running_loop()
            self._alarm = loop.call_later(max(0.0, self._room_in_s()), self._admit)

    def _admit(self) -> None:
        self._alarm = None
        while self._waiting and self._room_in_s() <= 0:
            _, _, turn = heapq.heappop(self._waiting)
            if not turn.done():  # else whoever waited has given up
                self._take()
                turn.set_result(None)
        self._set_alarm()
