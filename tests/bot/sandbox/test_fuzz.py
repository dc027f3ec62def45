"""Hostile bytes through the real decoder: whatever they are, a picture or a verdict, within the limits."""

import time
from collections import Counter
from collections.abc import AsyncIterator

import numpy as np
import pytest

from bot.errors import PictureRefused
from bot.sandbox.pool import Sandbox
from bot.sandbox.wire import Opened
from tests.bot.pictures import opened
from tests.bot.sandbox.samples import SAMPLES

MIB = 1024**2
ROUNDS = 10  # of each sample: 240 files
TIME_LIMIT_S = 5.0
MAX_PIXELS = 1_000_000
MAX_PAGES = 2


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    sandbox = Sandbox(processes=1, memory_bytes=512 * MIB, time_limit_s=TIME_LIMIT_S, max_pixels=MAX_PIXELS)
    yield sandbox
    await sandbox.close()


def damage(content: bytes, random: np.random.Generator) -> bytes:
    """Flip, overwrite, repeat, leave out, cut: one to six times, behind the first bytes that say what it is."""
    damaged = bytearray(content)
    for _ in range(random.integers(1, 7)):
        at = int(random.integers(min(12, len(damaged) - 1), len(damaged)))
        length = int(random.integers(1, 33))
        match random.integers(0, 6):
            case 0:
                damaged[at] ^= 1 << int(random.integers(0, 8))
            case 1:
                damaged[at : at + length] = random.bytes(length)
            case 2:
                damaged[at : at + 4] = random.choice(
                    [b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\1"]
                )
            case 3:
                damaged[at:at] = damaged[at : at + length]
            case 4:
                del damaged[at : at + length]
            case 5:
                del damaged[max(at, 20) :]
    return bytes(damaged)


async def verdict_on(sandbox: Sandbox, content: bytes) -> Opened | str:
    try:
        return await sandbox.normalise(content, name="a.png", max_pages=MAX_PAGES)
    except PictureRefused as refusal:
        return refusal.sentence


async def test_every_kind_is_taken_in_as_it_is(sandbox: Sandbox) -> None:
    verdicts = {kind: await verdict_on(sandbox, make()) for kind, make in SAMPLES.items()}
    assert {kind: verdict for kind, verdict in verdicts.items() if not isinstance(verdict, Opened)} == {}


async def test_damaged_files_are_pictures_or_refusals_in_words_and_nothing_else(sandbox: Sandbox) -> None:
    random = np.random.default_rng(20_260)
    counts: Counter[str] = Counter()
    for make in SAMPLES.values():
        content = make()
        for _ in range(ROUNDS):
            started_s = time.monotonic()
            verdict = await verdict_on(sandbox, damage(content, random))
            assert time.monotonic() - started_s < TIME_LIMIT_S + 2
            if isinstance(verdict, Opened):
                for form in verdict.pictures:
                    assert form.width * form.height <= max(MAX_PIXELS, 2688 * 2688)
                counts["taken in"] += 1
            else:
                assert verdict.startswith("a.png skipped: ")
                counts[verdict] += 1
    assert counts["taken in"] > 50
    assert counts["a.png skipped: the file is damaged or cut short."] > 50


async def test_what_is_taken_in_of_a_damaged_file_is_a_sound_picture(sandbox: Sandbox) -> None:
    random = np.random.default_rng(7)
    modes = set()
    for kind in ("jpeg", "bmp", "gif", "tiff", "webp"):
        content = SAMPLES[kind]()
        for _ in range(10):
            verdict = await verdict_on(sandbox, damage(content, random))
            if isinstance(verdict, Opened):
                (form,) = verdict.pictures
                image = opened(form.stored)
                assert image.size == (form.width, form.height)
                modes.add(image.mode)
    assert modes == {"RGB"}


async def test_noise_is_no_picture(sandbox: Sandbox) -> None:
    for length in (0, 1, 3, 12, 63, 64, 4096):
        verdict = await verdict_on(sandbox, b"\x01" + np.random.default_rng(0).bytes(length))
        assert str(verdict).startswith("a.png skipped: it is ")
