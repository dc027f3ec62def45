import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache

import numpy as np
import psutil
import pytest
from PIL import Image

from bot.errors import NotAPicture, PictureBroken, PictureTooHeavy, PictureTooSlow
from bot.sandbox.pool import Sandbox
from tests.bot.pictures import halves, opened, png, saved

MIB = 1024**2
OpenSandbox = Callable[..., Sandbox]


@pytest.fixture
async def open_sandbox() -> AsyncIterator[OpenSandbox]:
    opened_: list[Sandbox] = []

    def open_with(*, processes: int = 2, memory_mb: int = 1024, time_limit_s: float = 10.0) -> Sandbox:
        opened_.append(
            Sandbox(processes=processes, memory_bytes=memory_mb * MIB, time_limit_s=time_limit_s, max_pixels=64_000_000)
        )
        return opened_[-1]

    yield open_with
    for sandbox in opened_:
        await sandbox.close()


@cache
def photograph(format_: str) -> bytes:
    """12 megapixels with the noise of a sensor: they shrink as little as real ones."""
    random = np.random.default_rng(0)
    scene = Image.fromarray(random.integers(0, 120, (300, 400, 3), dtype=np.uint8)).resize((4000, 3000))
    grain = random.integers(0, 17, (300, 400, 3), dtype=np.uint8)
    image = Image.fromarray(np.asarray(scene) + np.tile(grain, (10, 10, 1)))
    return saved(image, format_, **{"quality": 90} if format_ == "JPEG" else {"compress_level": 1})


async def test_a_picture_comes_back_in_its_stored_form(open_sandbox: OpenSandbox) -> None:
    (form,) = (await open_sandbox().normalise(png(), name="a.png")).pictures
    assert opened(form.stored).tobytes() == halves().tobytes()


async def test_a_refusal_comes_back_as_the_error_that_it_is(open_sandbox: OpenSandbox) -> None:
    with pytest.raises(NotAPicture) as refused:
        await open_sandbox().normalise(b"PK\x03\x04", name="a.png")
    assert refused.value.sentence == "a.png skipped: it is a zip archive or an office document, not a picture."


async def test_a_decoder_is_kept_for_the_next_picture(open_sandbox: OpenSandbox) -> None:
    sandbox = open_sandbox()
    await sandbox.normalise(png(), name="a.png")
    (decoder,) = sandbox._idle
    with pytest.raises(NotAPicture):
        await sandbox.normalise(b"text", name="a.png")
    await sandbox.normalise(png(), name="a.png")
    assert sandbox._idle == [decoder]


async def test_no_more_decoders_run_than_allowed(open_sandbox: OpenSandbox) -> None:
    sandbox = open_sandbox(processes=2)
    await asyncio.gather(*(sandbox.normalise(png(), name=f"{number}.png") for number in range(8)))
    assert len(sandbox._idle) == 2


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux enforces RLIMIT_DATA on mapped memory")
async def test_a_picture_that_takes_too_much_memory_is_refused_and_the_next_is_not(open_sandbox: OpenSandbox) -> None:
    sandbox = open_sandbox(memory_mb=96, processes=1)
    large = saved(Image.new("RGB", (7000, 7000)), "PNG")  # 150 KB that unfold to 147 MB
    with pytest.raises(PictureTooHeavy):
        await sandbox.normalise(large, name="a.png")
    assert (await sandbox.normalise(png(), name="a.png")).pictures[0].width == 120


async def test_a_decoder_that_hangs_is_killed_and_replaced(open_sandbox: OpenSandbox) -> None:
    sandbox = open_sandbox(processes=1, time_limit_s=1.0)
    await sandbox.normalise(png(), name="a.png")
    (hanging,) = sandbox._idle
    os.kill(hanging.pid, signal.SIGSTOP)
    with pytest.raises(PictureTooSlow) as refused:
        await sandbox.normalise(png(), name="a.png")
    assert refused.value.sentence == "a.png skipped: it took more than 1 s to open."
    assert hanging.returncode == -signal.SIGKILL
    assert (await sandbox.normalise(png(), name="a.png")).pictures[0].width == 120


async def test_a_decoder_that_crashes_refuses_one_picture_only(open_sandbox: OpenSandbox) -> None:
    sandbox = open_sandbox(processes=1)
    await sandbox.normalise(png(), name="a.png")
    (crashing,) = sandbox._idle
    os.kill(crashing.pid, signal.SIGKILL)
    with pytest.raises(PictureBroken):
        await sandbox.normalise(png(), name="a.png")
    assert (await sandbox.normalise(png(), name="a.png")).pictures[0].width == 120


async def test_a_decoder_that_was_killed_while_it_waited_refuses_none(open_sandbox: OpenSandbox) -> None:
    sandbox = open_sandbox(processes=1)
    await sandbox.normalise(png(), name="a.png")
    (killed,) = sandbox._idle
    killed.kill()
    await killed.wait()
    assert (await sandbox.normalise(png(), name="a.png")).pictures[0].width == 120


async def test_a_question_that_is_taken_back_frees_its_decoder(open_sandbox: OpenSandbox) -> None:
    sandbox = open_sandbox(processes=1)
    taken_back = asyncio.create_task(sandbox.normalise(photograph("PNG"), name="a.png"))
    await asyncio.sleep(0.3)
    taken_back.cancel()
    assert (await sandbox.normalise(png(), name="a.png")).pictures[0].width == 120
    assert taken_back.cancelled()


async def test_a_decoder_knows_no_secret(open_sandbox: OpenSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", "a secret")
    sandbox = open_sandbox()
    await sandbox.normalise(png(), name="a.png")
    if sys.platform == "linux":
        with open(f"/proc/{sandbox._idle[0].pid}/environ", "rb") as environ:  # noqa: ASYNC230, PTH123  proc is no disk
            assert b"a secret" not in environ.read()


@pytest.mark.parametrize(
    ("format_", "times", "limit_s"),
    [
        ("JPEG", 3, 0.5),
        ("PNG", 1, 3.0),  # 0.9 s alone on one core: all of it is decoded, and the stored form is a PNG too
    ],
)
async def test_twelve_megapixels_are_taken_in_within_half_a_second_and_nobody_else_is_held_up(
    open_sandbox: OpenSandbox, capsys: pytest.CaptureFixture[str], format_: str, times: int, limit_s: float
) -> None:
    sandbox = open_sandbox()
    await sandbox.warm_up()  # as a bot that serves people does when it starts
    content = photograph(format_)
    times_s, works_s = [], []
    async with watched() as longest_block:
        for _ in range(times):
            started_s, busy_s = time.perf_counter(), worked_s(sandbox)
            (form,) = (await sandbox.normalise(content, name="a.png")).pictures
            times_s.append(time.perf_counter() - started_s)
            works_s.append(worked_s(sandbox) - busy_s)
    with capsys.disabled():
        print(  # noqa: T201  the numbers are the point
            f"\n12 megapixels, {len(content) / 1e6:.1f} MB of {format_}: first {times_s[0] * 1000:.0f} ms, "
            f"then {min(times_s) * 1000:.0f} ms, {min(works_s) * 1000:.0f} of them at work; event loop blocked for {longest_block() * 1000:.0f} ms at most"
        )
    assert (form.width, form.height) == (2688, 2016)
    assert min(works_s) < limit_s  # on an idle machine that is the time it takes
    assert longest_block() < 0.1


def worked_s(sandbox: Sandbox) -> float:
    """Processor time of this process and its decoders, in seconds: the machine's other work apart."""
    decoders = [psutil.Process(decoder.pid).cpu_times() for decoder in sandbox._idle]
    return time.process_time() + sum(times.user + times.system for times in decoders)


@asynccontextmanager
async def watched() -> AsyncIterator[Callable[[], float]]:
    """How long the event loop was blocked at most, in seconds."""
    longest_s = 0.0

    async def watch() -> None:
        nonlocal longest_s
        while True:
            began_s = time.thread_time()  # the machine's other work apart
            await asyncio.sleep(0.005)
            longest_s = max(longest_s, time.thread_time() - began_s)

    watching = asyncio.create_task(watch())
    yield lambda: longest_s
    watching.cancel()


async def test_a_warm_sandbox_has_its_decoders_at_hand(open_sandbox: OpenSandbox) -> None:
    sandbox = open_sandbox(processes=2)
    await sandbox.warm_up()
    decoders = set(sandbox._idle)
    await asyncio.gather(*(sandbox.normalise(png(), name=f"{number}.png") for number in range(4)))
    await sandbox.warm_up()
    assert len(decoders) == 2
    assert set(sandbox._idle) == decoders


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux enforces RLIMIT_DATA on mapped memory")
async def test_the_largest_picture_that_is_let_in_can_be_opened(open_sandbox: OpenSandbox) -> None:
    sandbox = open_sandbox(memory_mb=1024)  # both are the defaults of the settings
    (form,) = (
        await sandbox.normalise(saved(Image.new("RGBA", (8000, 8000)), "PNG", compress_level=1), name="a.png")
    ).pictures
    assert (form.width, form.height) == (2688, 2688)


async def test_others_do_not_wait_for_a_large_picture(open_sandbox: OpenSandbox) -> None:
    sandbox = open_sandbox(processes=2)
    await asyncio.gather(*(sandbox.normalise(png(), name=f"{number}.png") for number in range(2)))
    large = asyncio.create_task(sandbox.normalise(photograph("PNG"), name="a.png"))
    await asyncio.sleep(0.05)
    await sandbox.normalise(png(), name="a.png")
    assert not large.done()
    await large
