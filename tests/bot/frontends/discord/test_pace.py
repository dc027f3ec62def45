import asyncio
import time

from bot.frontends.discord.pace import Pace, Urgency


async def test_no_second_has_more_requests_than_there_may_be() -> None:
    pace = Pace(per_second=20, burst=5)
    times: list[float] = []

    async def request() -> None:
        await pace.turn(Urgency.LATER)
        times.append(time.monotonic())

    await asyncio.gather(*(request() for _ in range(45)))
    assert times[4] - times[0] < 0.15  # one by one they would take 0.2 s
    assert all(times[place + 20] - times[place] >= 0.99 for place in range(len(times) - 20))
    assert times[-1] - times[0] < 2.5


async def test_signs_go_before_answers_and_answers_before_the_rest() -> None:
    pace = Pace(per_second=20, burst=2)
    order: list[Urgency] = []

    async def request(urgency: Urgency) -> None:
        await pace.turn(urgency)
        order.append(urgency)

    waiting = [Urgency.LATER, Urgency.LATER, Urgency.LATER, Urgency.ANSWER, Urgency.SIGN]
    await asyncio.gather(*(request(urgency) for urgency in waiting))
    assert order[2:] == [Urgency.SIGN, Urgency.ANSWER, Urgency.LATER]


async def test_whoever_gives_up_takes_nobodys_turn() -> None:
    pace = Pace(per_second=2, burst=1)
    await pace.turn(Urgency.SIGN)
    gone = asyncio.create_task(pace.turn(Urgency.SIGN))
    await asyncio.sleep(0)
    gone.cancel()
    async with asyncio.timeout(1.5):
        await pace.turn(Urgency.LATER)


async def test_drafts_are_left_out_when_others_wait_and_come_slowly_in_each_channel() -> None:
    pace = Pace(per_second=20, burst=5)
    assert pace.takes_draft(1)
    assert not pace.takes_draft(1)
    assert pace.takes_draft(2)
    for _ in range(3):
        await pace.turn(Urgency.ANSWER)
    assert pace.has_room
    await pace.turn(Urgency.ANSWER)
    assert not pace.takes_draft(3)
