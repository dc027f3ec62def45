"""How often a workspace may be called: Slack counts by method, over a minute, and posts also by channel.

https://docs.slack.dev/apis/web-api/rate-limits: tier 2 is 20 calls a minute, tier 3 50, tier 4 100, "or more"; posts
are one a second and channel with short bursts, and "several hundred" a minute for the whole workspace.
"""

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import Callable
from weakref import WeakSet

from bot.frontends.slack.errors import Crowded

_WINDOW_S = 60.0
_TIER_2, _TIER_3, _TIER_4, _SPECIAL = 20, 50, 100, 450
_TIERS = {
    "chat.postMessage": _SPECIAL,
    "chat.startStream": _TIER_2,
    "chat.stopStream": _TIER_2,
    "chat.appendStream": _TIER_4,
    "assistant.threads.setStatus": _SPECIAL,
    "files.info": _TIER_4,
    "files.getUploadURLExternal": _TIER_4,
    "files.completeUploadExternal": _TIER_4,
    "views.open": _TIER_4,
    "views.publish": _TIER_4,
    "chat.postEphemeral": _TIER_4,
}
_POSTS = frozenset({"chat.postMessage", "chat.postEphemeral"})
_POST_BURST = 4
_LONGEST_RETRY_S = 30.0
_SPARE = 0.5  # what may be left out is left out when less than this share of the tier is free


class Pace:
    """Whoever must call waits for `turn`; whoever may call asks `has_spare` first."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._calls: defaultdict[str, deque[float]] = defaultdict(deque)  # times within the last minute, by method
        self._held: dict[str, float] = {}  # by method, since Slack said 429: until then
        self._posts: dict[str, tuple[float, float]] = {}  # by channel: posts that may be made, at this time
        self._promised: defaultdict[str, WeakSet[object]] = defaultdict(WeakSet)  # by method: who will call it yet
        self._doors: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def turn(self, method: str, *, channel: str = "", within_s: float) -> None:
        """Wait until the call may be made, in the order of asking, and count it.

        Raises:
            Crowded: not within this time.
        """
        try:
            async with asyncio.timeout(within_s):
                if method in _POSTS:
                    async with self._doors[channel]:
                        await _pass(lambda: self._post_wait_s(channel))
                        self._posts[channel] = (self._allowance(channel) - 1, self._clock())
                async with self._doors[method]:
                    await _pass(lambda: self._method_wait_s(method))
                    self._calls[method].append(self._clock())
        except TimeoutError:
            raise Crowded(method=method, retry_after_s=min(_LONGEST_RETRY_S, self._method_wait_s(method))) from None

    def has_spare(self, method: str) -> bool:
        """The method is far from its limit, with what is promised counted in."""
        self._forget_old(method)
        used = len(self._calls[method]) + len(self._promised[method])
        return self._held.get(method, 0.0) <= self._clock() and used < _SPARE * _TIERS.get(method, _TIER_3)

    def promise(self, method: str, who: object) -> None:
        """Whoever this is must call the method in the end: it is counted until then, or until it is gone."""
        self._promised[method].add(who)

    def keep_promise(self, method: str, who: object) -> None:
        """It has been called, or need not be any more."""
        self._promised[method].discard(who)

    def hold(self, method: str, *, seconds: float) -> None:
        """Slack has said when it will take the method again."""
        self._held[method] = max(self._held.get(method, 0.0), self._clock() + seconds)

    def _method_wait_s(self, method: str) -> float:
        self._forget_old(method)
        calls = self._calls[method]
        full = len(calls) >= _TIERS.get(method, _TIER_3)
        until_free = calls[0] + _WINDOW_S - self._clock() if full else 0.0
        return max(until_free, self._held.get(method, 0.0) - self._clock())

    def _post_wait_s(self, channel: str) -> float:
        return max(0.0, 1 - self._allowance(channel))

    def _allowance(self, channel: str) -> float:
        left, at = self._posts.get(channel, (float(_POST_BURST), self._clock()))
        return min(float(_POST_BURST), left + self._clock() - at)

    def _forget_old(self, method: str) -> None:
        calls = self._calls[method]
        while calls and self._clock() - calls[0] >= _WINDOW_S:
            calls.popleft()


async def _pass(wait_s: Callable[[], float]) -> None:
    while (pause_s := wait_s()) > 0:  # noqa: ASYNC110  time passes; nobody tells
        await asyncio.sleep(pause_s)
