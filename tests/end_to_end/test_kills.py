"""Whatever is killed in mid-answer, the answer still arrives, once."""

import asyncio

import pytest

from tests.end_to_end.conftest import Install, SlowModel, ended

COVER = "pictures/cover_moon.png"
pytestmark = pytest.mark.slow


@pytest.mark.parametrize("service", ["worker", "valkey"])
async def test_the_answer_arrives_once_though_a_process_is_killed(
    slow_install: Install, slow_model: SlowModel, service: str
) -> None:
    process = await slow_install.start("ask", COVER, "What is this?")
    await asyncio.wait_for(slow_model.in_the_middle.wait(), 30)
    slow_install.kill(service)
    code, out, err = await ended(process)
    assert (code, out.strip()) == (0, slow_model.answer), err


async def test_an_answer_whose_terminal_was_killed_is_told_by_the_next_one_once(
    slow_install: Install, slow_model: SlowModel
) -> None:
    process = await slow_install.start("ask", COVER, "What is this?")
    await asyncio.wait_for(slow_model.in_the_middle.wait(), 30)
    process.kill()
    await process.wait()
    await asyncio.sleep(2)  # its lease runs out
    _, out, err = await slow_install.run("ask", COVER, "And this?")
    assert out.strip() == slow_model.answer
    assert f"Answer to your earlier question (What is this?): {slow_model.answer}" in " ".join(err.split())
    _, _, err = await slow_install.run("ask", COVER, "And now?")
    assert "earlier question" not in err
    assert slow_model.answers == 3


async def test_two_questions_at_once_do_not_disturb_each_other(slow_install: Install, slow_model: SlowModel) -> None:
    first = await slow_install.start("ask", COVER, "What is this?")
    await asyncio.wait_for(slow_model.in_the_middle.wait(), 30)
    second = await slow_install.start("ask", "pictures/cover_river.png", "And this?")
    for process in (first, second):
        code, out, err = await ended(process)
        assert (code, out.strip()) == (0, slow_model.answer), err
    assert slow_model.answers == 2
