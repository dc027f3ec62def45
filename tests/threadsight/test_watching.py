import asyncio

import pytest

from jobs.errors import QueueFull
from threadsight.service import ServiceFailed
from threadsight.watching import watched

GIVEN_UP = ServiceFailed(name="worker", reason="no such model", log="log")


async def goes_on(cancelled: list[str]) -> str:
    try:
        await asyncio.Event().wait()
    finally:
        cancelled.append("taken back")
    return "never"


async def raises(error: Exception) -> None:
    raise error


async def test_work_that_ends_is_told_and_nobody_watches_any_more() -> None:
    cancelled: list[str] = []

    async def watch() -> None:
        await goes_on(cancelled)

    assert await watched(asyncio.sleep(0.01, "an answer"), watch()) == "an answer"
    assert cancelled == ["taken back"]


async def test_work_that_waits_for_somebody_given_up_is_cancelled_and_told_why() -> None:
    cancelled: list[str] = []
    async with asyncio.timeout(5):
        with pytest.raises(ServiceFailed, match="no such model"):
            await watched(goes_on(cancelled), raises(GIVEN_UP))
    assert cancelled == ["taken back"]


async def test_what_goes_wrong_with_the_work_is_told_as_it_is() -> None:
    with pytest.raises(QueueFull):
        await watched(raises(QueueFull(limit=3)), asyncio.sleep(60))
