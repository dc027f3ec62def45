"""Rate limits as Discord tells of them: windows for each route and channel, and one for everything."""

import time
from dataclasses import dataclass, field


@dataclass
class Window:
    until: float
    used: int = 0


@dataclass
class TooMany(Exception):
    """429."""

    retry_after: float
    is_global: bool


@dataclass
class Limits:
    """Counts requests. `everything` is the whole bot's in a second; windows pass `faster` than on Discord."""

    everything: int = 50
    faster: float = 1.0
    _windows: dict[str, Window] = field(default_factory=dict)
    refused: int = 0

    def count(self, bucket: str, major: str, most: int, per_s: float, *, counts_globally: bool) -> dict[str, str]:
        """The headers of the response.

        Raises:
            TooMany
        """
        if counts_globally:
            self._take("everything", self.everything, 1.0, is_global=True)
        window = self._take(f"{bucket} {major}", most, per_s / self.faster, is_global=False)
        return {
            "X-RateLimit-Limit": str(most),
            "X-RateLimit-Remaining": str(max(0, most - window.used)),
            "X-RateLimit-Reset": f"{window.until:.3f}",
            "X-RateLimit-Reset-After": f"{max(0.0, window.until - time.time()):.3f}",
            "X-RateLimit-Bucket": str(abs(hash(bucket))),
        }

    def _take(self, key: str, most: int, per_s: float, *, is_global: bool) -> Window:
        now = time.time()
        window = self._windows.get(key)
        if window is None or window.until <= now:
            window = self._windows[key] = Window(now + per_s)
        window.used += 1
        if window.used > most:
            self.refused += 1
            raise TooMany(max(0.001, window.until - now), is_global)
        return window
