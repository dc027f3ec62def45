"""What Discord has to take sooner or later: asked of it again, with pauses, until it does. The end of this process ends it."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from bot.errors import NotPosted
from bot.frontends.discord.errors import PostRefused

_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 60.0

log = structlog.get_logger()


class Errands:
    """They go on behind whoever began them."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    def begin(self, work: Callable[[], Awaitable[None]], *, to: str) -> None:
        """Have it done; what it was `to` do is said in the log where Discord does not take it."""
        task = asyncio.create_task(_run(work, to))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def close(self) -> None:
        """Leave undone what is not done."""
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _run(work: Callable[[], Awaitable[None]], to: str) -> None:
    pause_s = _FIRST_PAUSE_S
    while True:
        try:
            return await work()
        except PostRefused as error:
            log.info("errand given up", to=to, error=error.sentence)
            return None
        except NotPosted as error:
            log.info("errand put off", to=to, error=error.sentence, again_in_s=pause_s)
        except Exception:
            log.exception("errand broken off", to=to)
            return None
        await asyncio.sleep(pause_s)
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
