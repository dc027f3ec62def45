"""Work that goes on while a test looks."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress


@asynccontextmanager
async def run_in_background(work: Coroutine[None, None, None]) -> AsyncIterator["asyncio.Task[None]"]:
    """Until the end; that it failed comes out."""
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
