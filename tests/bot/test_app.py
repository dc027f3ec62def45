import asyncio
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.app import allow_many_connections, name_this_process, open_chat, serve
from bot.errors import PlaceGone
from bot.responder import Responder
from bot.settings import BotSettings
from jobs.errors import StoreUnavailable
from jobs.memory import MemoryJobs, open_memory
from jobs.settings import StoreSettings
from tests.bot.conftest import Chat
from tests.bot.fakes import FakePlatform, FakeWorker, eventually, mention

ROOT = Path(__file__).parents[2]
QUICK = StoreSettings(lease_s=0.3, heartbeat_s=0.05)


async def test_a_delivery_lasts_far_longer_than_its_lease(platform: FakePlatform) -> None:
    jobs = open_memory(QUICK)
    async with open_chat(BotSettings(), jobs, frontends=[platform], lease_s=QUICK.lease_s) as responder:
        job = await responder.respond(mention())
        await asyncio.sleep(3 * QUICK.lease_s)
        assert await jobs.replies.adopt(holder="somebody else", platforms=["fake"]) == []
        await FakeWorker(jobs).answer("A flag.")
        await responder.settled(job.id)
    assert len(platform.endings) == 1


async def test_a_living_process_takes_over_from_a_dead_one(platform: FakePlatform) -> None:
    jobs = open_memory(QUICK)
    async with open_chat(BotSettings(), jobs, frontends=[platform], lease_s=QUICK.lease_s):
        await jobs.queue_in.submit(mention().as_job(patience_s=60.0), holder="dead already")
        await FakeWorker(jobs).answer("A flag.")
        await eventually(lambda: platform.texts == ["A flag."])


async def test_the_living_tell_what_nobody_answered(platform: FakePlatform) -> None:
    jobs = open_memory(QUICK)
    async with open_chat(BotSettings(patience_s=0.1), jobs, frontends=[platform], lease_s=QUICK.lease_s) as responder:
        await responder.respond(mention())
        await eventually(lambda: any("was given up" in text for text in platform.texts))


async def test_a_loop_outlives_a_store_that_goes_away(platform: FakePlatform, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: object, **__: object) -> int:
        raise StoreUnavailable(reason="no connection")

    jobs = open_memory(QUICK)
    async with open_chat(BotSettings(), jobs, frontends=[platform], lease_s=QUICK.lease_s) as responder:
        with monkeypatch.context() as patched:
            patched.setattr(type(jobs.replies), "adopt", away)
            patched.setattr(type(jobs.reaper), "reap", away)
            await asyncio.sleep(2 * QUICK.lease_s)
        job = await responder.respond(mention())
        await asyncio.sleep(2 * QUICK.lease_s)
        await FakeWorker(jobs).answer("A flag.")
        await responder.settled(job.id)
    assert platform.texts == ["A flag."]


async def test_a_loop_outlives_an_error_that_nobody_foresaw(
    platform: FakePlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stumble(*_: object, **__: object) -> int:
        raise ZeroDivisionError

    jobs = open_memory(QUICK)
    async with open_chat(BotSettings(), jobs, frontends=[platform], lease_s=QUICK.lease_s):
        with monkeypatch.context() as patched:
            patched.setattr(type(jobs.replies), "adopt", stumble)
            await asyncio.sleep(2 * QUICK.lease_s)
        await jobs.queue_in.submit(mention().as_job(patience_s=60.0), holder="dead already")
        await FakeWorker(jobs).answer("A flag.")
        await eventually(lambda: platform.texts == ["A flag."])


class Refusing(FakePlatform):
    """One whose token is not taken."""

    def __init__(self, platform: str) -> None:
        super().__init__()
        self.platform = platform

    async def run(self, _: Responder) -> None:
        raise PlaceGone(reason=f"{self.platform}: invalid_auth")


@pytest.fixture
async def serving(chat: Chat, jobs: MemoryJobs) -> Callable[..., "asyncio.Task[None]"]:
    def start(*frontends: FakePlatform) -> "asyncio.Task[None]":
        return asyncio.create_task(serve(frontends, chat.responder, jobs.leases, holder="bot", lease_s=0.03))

    return start


async def test_a_platform_that_does_not_take_the_token_leaves_the_others_alone(
    serving: Callable[..., "asyncio.Task[None]"], platform: FakePlatform
) -> None:
    with capture_logs() as logs:
        served = serving(Refusing("slack"), platform)
        await eventually(platform.running.is_set)
        await asyncio.sleep(0.1)
    assert not served.done()
    assert [entry["platform"] for entry in logs if entry["log_level"] == "error"] == ["slack"]
    served.cancel()
    await asyncio.wait({served})
    assert not platform.running.is_set()


async def test_what_is_owed_to_a_platform_that_has_ended_waits_for_another_process(
    serving: Callable[..., "asyncio.Task[None]"], chat: Chat, jobs: MemoryJobs, platform: FakePlatform
) -> None:
    asked = await chat.responder.respond(mention())
    assert asked is not None
    refusing = Refusing(platform.platform)
    with pytest.raises(PlaceGone):
        await serving(refusing)
    await chat.responder.settled(asked.id)
    await chat.responder.adopt()
    await FakeWorker(jobs).answer("A flag.")
    await asyncio.sleep(0.05)
    assert "A flag." not in platform.texts


async def test_a_bug_of_one_platform_ends_the_process(
    serving: Callable[..., "asyncio.Task[None]"], platform: FakePlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stumble(_: Responder) -> None:
        raise ZeroDivisionError

    broken = FakePlatform()
    broken.platform = "slack"
    monkeypatch.setattr(broken, "run", stumble)
    with pytest.raises(ZeroDivisionError):
        await asyncio.wait_for(serving(broken, platform), timeout=5)


async def test_when_no_platform_is_left_the_process_says_why(serving: Callable[..., "asyncio.Task[None]"]) -> None:
    with pytest.raises(PlaceGone, match="invalid_auth"):
        await asyncio.wait_for(serving(Refusing("slack"), Refusing("discord")), timeout=5)


async def test_what_goes_wrong_inside_comes_out_as_it_is(platform: FakePlatform) -> None:
    with pytest.raises(StoreUnavailable):
        async with open_chat(BotSettings(), open_memory(QUICK), frontends=[platform], lease_s=1.0):
            raise StoreUnavailable(reason="no connection")


async def test_a_process_that_serves_people_has_its_decoders_ready(platform: FakePlatform) -> None:
    settings = BotSettings(decoders=2)
    async with open_chat(settings, open_memory(QUICK), frontends=[platform], lease_s=1.0, warm=True) as responder:
        assert len(responder._intake._sandbox._idle) == 2
    async with open_chat(settings, open_memory(QUICK), frontends=[platform], lease_s=1.0) as responder:
        assert responder._intake._sandbox._idle == []


def test_no_two_processes_have_one_name() -> None:
    assert name_this_process() != name_this_process()


def run_python(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_without_a_platform_the_process_says_what_to_set() -> None:
    ended = run_python("-m", "bot")
    assert ended.returncode == 1
    assert "DISCORD_TOKEN" in ended.stderr
    assert "SLACK_BOT_TOKEN" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_misspelt_setting_stops_the_process_in_words() -> None:
    ended = run_python("-m", "bot", BOT_MAX_PICTURE="3")
    assert ended.returncode == 1
    assert "BOT_MAX_PICTURES" in ended.stderr
    assert "Traceback" not in ended.stderr


IMPORT_ALL = """
import importlib, pkgutil, sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"torch", "transformers", "openai", "tokenizers", "safetensors", "inference_worker"}:
            raise ImportError(f"{name} belongs to the other side")

sys.meta_path.insert(0, Blocked())
import bot
names = [module.name for module in pkgutil.walk_packages(bot.__path__, "bot.") if not module.name.endswith("__main__")]
for name in names:
    importlib.import_module(name)
print(len(names))
"""


def test_every_module_is_imported_without_the_worker_sides_packages() -> None:
    ended = run_python("-c", IMPORT_ALL)
    assert ended.returncode == 0, ended.stderr
    assert int(ended.stdout) >= 25


def test_the_chat_side_is_imported_without_the_web_client_until_an_address_is_fetched() -> None:
    ended = run_python("-c", "import sys, bot.app, bot.frontends.shell; print('aiohttp' in sys.modules)")
    assert ended.stdout == "False\n", ended.stderr


def test_a_process_may_hold_more_connections_than_a_shell_allows() -> None:
    # A thousand questions at once, and nothing could be said to Redis any more: each that is followed holds a connection.
    before = soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 256), hard))
        allow_many_connections()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (min(10_240, hard), hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
