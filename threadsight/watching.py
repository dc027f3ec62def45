"""Work beside those who watch over what it rests on."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def watched(work: Coroutine[Any, Any, T], *watches: Coroutine[Any, Any, None]) -> T:
    """What the work comes to. Where a watch raises first, the work is cancelled, and that is raised."""
    working = asyncio.create_task(work)
    tasks: list[asyncio.Task[Any]] = [working, *map(asyncio.create_task, watches)]
    try:
        ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if working not in ended:
        for watch in ended:
            watch.result()
    return working.result()
