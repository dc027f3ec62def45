"""The pace at which a workspace is called."""

import asyncio

import pytest

from bot.frontends.slack.errors import Crowded
from bot.frontends.slack.pace import Pace


class Clock:
    """Moves when it is told to, or when somebody sleeps."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    sleep = asyncio.sleep

    async def sleep_at_once(seconds: float) -> None:
        clock.now += seconds
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", sleep_at_once)
    return clock


async def test_no_minute_has_more_calls_than_the_tier_allows(clock: Clock) -> None:
    pace = Pace(clock=clock)
    times = []
    for _ in range(120):
        await pace.turn("chat.update", within_s=10)
        times.append(clock.now)
        clock.now += 0.01
    assert all(later - earlier >= 60 for earlier, later in zip(times, times[50:], strict=False))
    assert times[49] - times[0] < 1


async def test_posts_in_one_channel_come_one_a_second_and_others_are_not_held_up(clock: Clock) -> None:
    pace = Pace(clock=clock)
    for _ in range(10):
        await pace.turn("chat.postMessage", channel="C1", within_s=10)
    assert clock.now == pytest.approx(1006.0)
    await pace.turn("chat.postMessage", channel="C2", within_s=10)
    assert clock.now == pytest.approx(1006.0)


async def test_what_slack_says_is_kept(clock: Clock) -> None:
    pace = Pace(clock=clock)
    pace.hold("chat.update", seconds=30)
    assert not pace.has_spare("chat.update")
    await pace.turn("chat.update", within_s=10)
    assert clock.now == pytest.approx(1030.0)


async def test_whoever_has_no_time_is_told_so() -> None:
    pace = Pace()
    pace.hold("conversations.replies", seconds=60)
    with pytest.raises(Crowded) as crowded:
        await pace.turn("conversations.replies", within_s=0.01)
    assert crowded.value.retry_after_s == 30


async def test_what_is_promised_is_not_spare_until_it_is_kept_or_nobody_is_left_to_keep_it(clock: Clock) -> None:
    pace = Pace(clock=clock)

    class Reply:
        pass

    replies = [Reply() for _ in range(25)]
    for reply in replies:
        pace.promise("chat.update", reply)
    assert not pace.has_spare("chat.update")
    pace.keep_promise("chat.update", replies[0])
    assert pace.has_spare("chat.update")
    pace.promise("chat.update", replies[0])
    del replies, reply
    assert pace.has_spare("chat.update")
