"""Discord takes fifty requests a second from one bot: who goes first."""

import asyncio
import enum
import heapq
import itertools
from collections import OrderedDict, deque

REQUESTS_PER_SECOND = 45  # Discord: 50; some are left to discord.py itself, which is not asked
DRAFT_INTERVAL_S = 1.3  # Discord: 5 edits in 5 s and channel; one is kept free for the final text

_KEPT_FREE = 10  # requests a second that drafts leave to everything else
_CHANNELS_REMEMBERED = 1_000


class Urgency(enum.IntEnum):
    """What waits the shortest when there is not enough room for everything."""

    SIGN = 0  # the first that an asker sees: the thread, the placeholder
    ANSWER = 1  # the final text
    LOOK = 2  # a message or a channel that a question needs
    LATER = 3  # nobody waits for it


class Pace:
    """At most `per_second` requests in any second, the most urgent first, each kind in its order."""

    def __init__(self, per_second: int = REQUESTS_PER_SECOND) -> None:
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
        """Nobody waits, and some requests of this second are left."""
        if self._waiting:
            return False
        is_full = len(self._taken) == (self._taken.maxlen or 0)
        return not is_full or self._taken[_KEPT_FREE] <= asyncio.get_running_loop().time() - 1.0

    def takes_draft(self, channel: int) -> bool:
        """Whether words on their way, or typing, may be shown in a channel now. They never wait: later ones replace them."""
        now = asyncio.get_running_loop().time()
        if not self.has_room or now - self._drafts.get(channel, -DRAFT_INTERVAL_S) < DRAFT_INTERVAL_S:
            return False
        self._drafts[channel] = now
        self._drafts.move_to_end(channel)
        if len(self._drafts) > _CHANNELS_REMEMBERED:
            self._drafts.popitem(last=False)
        return True

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
