"""The owner thread and the streams, with the real engine and a random model."""

import asyncio
import threading
from collections.abc import AsyncIterator
from concurrent.futures import Future

import msgspec
import pytest

from inference_worker.engine.async_engine import AsyncEngine
from inference_worker.engine.request import Finished, PictureKey, Request, Token
from inference_worker.errors import EngineLost
from inference_worker.image.processor import Crops
from inference_worker.model.phi3v import Phi3V
from tests.inference_worker.engine.small import (
    ENGINES,
    Answers,
    BuildEngine,
    crops_of,
    picture,
    prompt_of,
    request,
    small_model,
)

Arrivals = dict[PictureKey, Future[Crops]]


@pytest.fixture(scope="module")
def model() -> Phi3V:
    return small_model()


@pytest.fixture
async def engine(model: Phi3V) -> AsyncIterator[AsyncEngine]:
    engine = AsyncEngine(ENGINES["contiguous"](model))
    engine.start()
    yield engine
    await engine.close()


def waiting(name: str, key: PictureKey, arrivals: Arrivals) -> Request:
    """A question about a picture that arrives when the test says so."""

    def load(wanted: PictureKey) -> Future[Crops]:
        arrivals[wanted] = Future()
        return arrivals[wanted]

    return msgspec.structs.replace(request(name, prompt_of([1, key, 1, 4]), new=3), load_crops=load)


@pytest.mark.parametrize("build", ENGINES.values(), ids=ENGINES)
def test_a_picture_that_nobody_waits_for_any_more_holds_nobody_up(model: Phi3V, build: BuildEngine) -> None:
    engine, arrivals = build(model), Arrivals()
    engine.add(waiting("X", picture("a"), arrivals))
    engine.add(waiting("Y", picture("b"), arrivals))
    for _ in range(3):
        engine.step()
    engine.abort("X")
    for key, future in arrivals.items():
        future.set_result(crops_of(key))
    answers = Answers(tokens={}, finished={}, failed={})
    while "Y" not in answers.finished:
        answers.take(outputs := engine.step())
        if not outputs:
            resting = threading.Thread(target=engine.wait, daemon=True)
            resting.start()
            resting.join(1)
            assert not resting.is_alive(), "it rests while a picture has arrived"


async def test_the_clean_up_of_an_earlier_try_leaves_the_next_one_alone(engine: AsyncEngine) -> None:
    asked = request("again", prompt_of([1, 2, 3]), new=5)
    earlier = engine.generate(asked)
    assert isinstance(await anext(earlier), Token)
    later = engine.generate(asked)
    first = await anext(later)
    await earlier.aclose()
    async with asyncio.timeout(10):
        rest = [output async for output in later]
    assert isinstance(first, Token)
    assert isinstance(rest[-1], Finished)
    assert len(rest) == 5


async def test_an_engine_that_stumbles_at_rest_goes_on(engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    stumbled = threading.Event()
    check = engine._engine.check_integrity

    def stumble_once() -> None:
        if not stumbled.is_set():
            stumbled.set()
            raise AssertionError("one cache a conversation")
        check()

    monkeypatch.setattr(engine._engine, "check_integrity", stumble_once)
    engine._engine.wake()
    assert await asyncio.to_thread(stumbled.wait, 10)
    async with asyncio.timeout(10):
        told = [output async for output in engine.generate(request("a", prompt_of([1, 2, 3]), new=4))]
    assert isinstance(told[-1], Finished)


@pytest.mark.parametrize("broken", ["recover", "is_sound", "check_integrity"])
async def test_an_engine_that_cannot_be_recovered_ends_the_worker(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    def fail(*_: object) -> list[object]:
        raise RuntimeError(broken)

    monkeypatch.setattr(engine._engine, broken, fail)
    monkeypatch.setattr(engine._engine, "wait", fail)
    engine._engine.wake()
    async with asyncio.timeout(10):
        with pytest.raises(EngineLost):
            await engine.watch()


async def test_a_device_that_computes_nothing_any_more_ends_the_worker_and_fails_nobody(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def step() -> list[object]:
        raise RuntimeError("an illegal memory access was encountered")

    monkeypatch.setattr(engine._engine, "step", step)
    monkeypatch.setattr(engine._engine, "is_sound", lambda: False)
    asked = asyncio.create_task(anext(engine.generate(request("a", prompt_of([1, 2, 3])))))
    async with asyncio.timeout(10):
        with pytest.raises(EngineLost):
            await engine.watch()
    assert not asked.done()
    asked.cancel()


async def test_a_step_that_does_not_end_ends_the_worker(model: Phi3V, monkeypatch: pytest.MonkeyPatch) -> None:
    engine, released = AsyncEngine(ENGINES["contiguous"](model), stuck_s=0.2), threading.Event()
    monkeypatch.setattr(engine._engine, "step", released.wait)
    engine.start()
    try:
        async with asyncio.timeout(10):
            with pytest.raises(EngineLost):
                await engine.watch()
            await engine.close()
    finally:
        released.set()


async def test_closing_does_not_wait_for_a_step_that_does_not_end(
    model: Phi3V, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, released = AsyncEngine(ENGINES["contiguous"](model), stuck_s=0.2), threading.Event()
    monkeypatch.setattr(engine._engine, "step", released.wait)
    engine.start()
    try:
        async with asyncio.timeout(10):
            await engine.close()
    finally:
        released.set()


async def test_an_engine_that_rests_for_long_is_not_stuck(model: Phi3V) -> None:
    engine = AsyncEngine(ENGINES["contiguous"](model), stuck_s=0.2)
    engine.start()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.6):
            await engine.watch()
    await engine.close()
