import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable

import numpy as np
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


def noise(width: int, height: int) -> Image.Image:
    small = np.random.default_rng(0).integers(0, 256, (height // 10, width // 10, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)


async def test_a_picture_comes_back_in_its_stored_form(open_sandbox: OpenSandbox) -> None:
    (form,) = (await open_sandbox().normalise(png(), number=1)).pictures
    assert opened(form.stored).tobytes() == halves().tobytes()


async def test_a_refusal_comes_back_as_the_error_that_it_is(open_sandbox: OpenSandbox) -> None:
    with pytest.raises(NotAPicture) as refused:
        await open_sandbox().normalise(b"PK\x03\x04", number=3)
    assert refused.value.sentence == "Picture 3 skipped: it is a zip archive or an office document, not a picture."


async def test_a_decoder_is_kept_for_the_next_picture(open_sandbox: OpenSandbox) -> None:
    sandbox = open_sandbox()
    await sandbox.normalise(png(), number=1)
    (decoder,) = sandbox._idle
    with pytest.raises(NotAPicture):
        await sandbox.normalise(b"text", number=1)
    await sandbox.normalise(png(), number=1)
    assert sandbox._idle == [decoder]


async def test_no_more_decoders_run_than_allowed(open_sandbox: OpenSandbox) -> None:
    sandbox = open_sandbox(processes=2)
    await asyncio.gather(*(sandbox.normalise(png(), number=number) for number in range(8)))
    assert len(sandbox._idle) == 2


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux enforces RLIMIT_DATA on mapped memory")
async def test_a_picture_that_takes_too_much_memory_is_refused_and_the_next_is_not(open_sandbox: OpenSandbox) -> None:
    sandbox = open_sandbox(memory_mb=96, processes=1)
    large = saved(Image.new("RGB", (7000, 7000)), "PNG")  # 150 KB that unfold to 147 MB
    with pytest.raises(PictureTooHeavy):
        await sandbox.normalise(large, number=1)
    assert (await sandbox.normalise(png(), number=2)).pictures[0].width == 120


async def test_a_decoder_that_hangs_is_killed_and_replaced(open_sandbox: OpenSandbox) -> None:
    sandbox = open_sandbox(processes=1, time_limit_s=1.0)
    await sandbox.normalise(png(), number=1)
    (hanging,) = sandbox._idle
    os.kill(hanging.pid, signal.SIGSTOP)
    with pytest.raises(PictureTooSlow) as refused:
        await sandbox.normalise(png(), number=4)
    assert refused.value.sentence == "Picture 4 skipped: it took more than 1 s to open."
    assert hanging.returncode == -signal.SIGKILL
    assert (await sandbox.normalise(png(), number=5)).pictures[0].width == 120


async def test_a_decoder_that_crashes_refuses_one_picture_only(open_sandbox: OpenSandbox) -> None:
    sandbox = open_sandbox(processes=1)
    await sandbox.normalise(png(), number=1)
    (crashing,) = sandbox._idle
    os.kill(crashing.pid, signal.SIGKILL)
    with pytest.raises(PictureBroken):
        await sandbox.normalise(png(), number=1)
    assert (await sandbox.normalise(png(), number=1)).pictures[0].width == 120


async def test_a_question_that_is_taken_back_frees_its_decoder(open_sandbox: OpenSandbox) -> None:
    sandbox = open_sandbox(processes=1)
    taken_back = asyncio.create_task(sandbox.normalise(saved(noise(4000, 3000), "PNG", compress_level=1), number=1))
    await asyncio.sleep(0.3)
    taken_back.cancel()
    assert (await sandbox.normalise(png(), number=1)).pictures[0].width == 120
    assert taken_back.cancelled()


async def test_a_decoder_knows_no_secret(open_sandbox: OpenSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", "a secret")
    sandbox = open_sandbox()
    await sandbox.normalise(png(), number=1)
    if sys.platform == "linux":
        with open(f"/proc/{sandbox._idle[0].pid}/environ", "rb") as environ:  # noqa: ASYNC230, PTH123  proc is no disk
            assert b"a secret" not in environ.read()


async def test_twelve_megapixels_are_taken_in_within_half_a_second(
    open_sandbox: OpenSandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    sandbox = open_sandbox()
    content = saved(noise(4000, 3000), "JPEG", quality=88)
    await sandbox.normalise(png(), number=1)  # a bot that runs has its decoders
    times_s = []
    for _ in range(3):
        started_s = time.perf_counter()
        (form,) = (await sandbox.normalise(content, number=1)).pictures
        times_s.append(time.perf_counter() - started_s)
    with capsys.disabled():
        print(f"\n12 megapixels, {len(content) / 1e6:.1f} MB of JPEG: {min(times_s) * 1000:.0f} ms")  # noqa: T201  the number is the point
    assert (form.width, form.height) == (2688, 2016)
    assert min(times_s) < 0.5


async def test_others_do_not_wait_for_a_large_picture(open_sandbox: OpenSandbox) -> None:
    sandbox = open_sandbox(processes=2)
    await asyncio.gather(*(sandbox.normalise(png(), number=number) for number in range(2)))
    large = asyncio.create_task(sandbox.normalise(saved(noise(4000, 3000), "PNG", compress_level=1), number=1))
    await asyncio.sleep(0.05)
    await sandbox.normalise(png(), number=1)
    assert not large.done()
    await large
