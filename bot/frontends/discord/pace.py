"""Discord takes fifty requests a second from one bot: who goes first."""

import asyncio
import enum
import heapq
import itertools
from collections import OrderedDict, deque

REQUESTS_PER_SECOND = 48  # Discord: 50; its seconds and ours do not begin together
BURST = 12  # at once, after a pause; else evenly
DRAFT_INTERVAL_S = 1.3  # Discord: 5 edits in 5 s and channel; one is kept free for the final text

_CHANNELS_REMEMBERED = 1_000


class Urgency(enum.IntEnum):
    """What waits the shortest when there is not enough room for everything."""

    SIGN = 0  # the first that an asker sees: the thread, the placeholder
    ANSWER = 1  # the final text
    LOOK = 2  # a message or a channel that a question needs
    LATER = 3  # nobody waits for it


class Pace:
    """At most `per_second` requests in any second, `burst` of them at once, the most urgent first."""

    def __init__(self, per_second: int = REQUESTS_PER_SECOND, burst: int = BURST) -> None:
        self._interval_s = 1 / per_second
        self._burst_s = (burst - 1) * self._interval_s
        self._booked_s = 0.0  # until this time, requests at the even pace are used up
        self._taken: deque[float] = deque(maxlen=per_second)  # times of the latest requests
        self._waiting: list[tuple[Urgency, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()
        self._alarm: asyncio.TimerHandle | None = None
        self._drafts: OrderedDict[int, float] = OrderedDict()  # by channel: time of the latest draft

    async def turn(self, urgency: Urgency) -> None:
        """Until it is this one's turn."""
        if not self._waiting and self._room_in_s() <= 0:
            self._take()
            return
        turn = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (urgency, next(self._numbers), turn))
        self._set_alarm()
        await turn

    @property
    def has_room(self) -> bool:
        """Nobody waits, and the next request could be made at once and leave room for another."""
        return not self._waiting and self._room_in_s() <= -self._interval_s

    def takes_draft(self, channel: int) -> bool:
        """Whether words on their way may be shown in a channel now. They never wait: later ones replace them."""
        now_s = asyncio.get_running_loop().time()
        if not self.has_room or now_s - self._drafts.get(channel, -DRAFT_INTERVAL_S) < DRAFT_INTERVAL_S:
            return False
        self._drafts[channel] = now_s
        self._drafts.move_to_end(channel)
        if len(self._drafts) > _CHANNELS_REMEMBERED:
            self._drafts.popitem(last=False)
        return True

    def _room_in_s(self) -> float:
        """Seconds until the next request may be made; below zero where more than one may."""
        evenly_s = self._booked_s - self._burst_s
        is_full = len(self._taken) == self._taken.maxlen
        return max(evenly_s, self._taken[0] + 1.0 if is_full else evenly_s) - asyncio.get_running_loop().time()

    def _take(self) -> None:
        now_s = asyncio.get_running_loop().time()
        self._booked_s = max(self._booked_s, now_s) + self._interval_s
        self._taken.append(now_s)

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
