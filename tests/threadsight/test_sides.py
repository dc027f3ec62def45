import asyncio
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from bot.settings import BotSettings
from inference_worker.status import WorkerStatus
from jobs.errors import StoreUnavailable
from jobs.redis import open_redis
from jobs.settings import StoreSettings
from threadsight.service import ServiceFailed
from threadsight.sides import describe, run_both
from threadsight.store import OpenStore
from threadsight.watching import watched

MODEL = WorkerStatus(state="ready", pid=1, sentence="tiny, 5.0 M parameters")
TOKENS = ("DISCORD_TOKEN", "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN")
WITHOUT = """
import importlib.abc, sys
class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {missing!r}:
            raise ModuleNotFoundError(name=name)
sys.meta_path.insert(0, Missing())
import threadsight.sides, threadsight.doctor.examination, {app}
"""


@pytest.fixture(autouse=True)
def _no_tokens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in TOKENS:
        monkeypatch.delenv(name, raising=False)


def store(url: str) -> StoreSettings:
    return StoreSettings.model_validate({"REDIS_URL": url})


def test_what_runs_is_told_and_what_does_not_says_what_to_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", "id.time.signature")
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-1")
    assert dict(describe(MODEL, store("unix://:hush@/run/valkey.sock?db=0"), BotSettings.read(), tmp_path)) == {
        "Model": "tiny, 5.0 M parameters",
        "Queue": f"embedded Valkey in {tmp_path}",
        "Discord": "its token is set",
        "Slack": "off (set SLACK_APP_TOKEN)",
    }


@pytest.mark.parametrize(
    ("tokens", "standing"),
    [
        ({}, "off (set SLACK_BOT_TOKEN and SLACK_APP_TOKEN)"),
        ({"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1"}, "its tokens are set"),
        (
            {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_SIGNING_SECRET": "s", "BOT_SLACK_HTTP_PORT": "3000"},
            "its tokens are set",
        ),
        (
            {"SLACK_CLIENT_ID": "1.2", "SLACK_CLIENT_SECRET": "s", "BOT_SLACK_HTTP_PORT": "3000"},
            "off (set SLACK_SIGNING_SECRET)",
        ),
    ],
)
def test_slack_has_several_ways_in(
    tokens: dict[str, str], standing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in tokens.items():
        monkeypatch.setenv(name, value)
    assert dict(describe(MODEL, store("redis://queue.example"), BotSettings.read(), tmp_path))["Slack"] == standing


def test_the_password_of_redis_is_not_shown(tmp_path: Path) -> None:
    standing = dict(describe(MODEL, store("redis://:hush@queue.example:6379/0"), BotSettings.read(), tmp_path))
    assert standing["Queue"] == "Redis at queue.example"


@pytest.mark.parametrize(
    ("app", "missing"),
    [
        ("bot.app", {"torch", "transformers", "tokenizers", "safetensors", "huggingface_hub", "openai"}),
        ("inference_worker.app", {"discord", "slack_bolt", "slack_sdk", "aiohttp", "pillow_heif"}),
    ],
)
def test_each_image_needs_its_own_sides_packages_only(app: str, missing: set[str]) -> None:
    script = WITHOUT.format(missing=missing, app=app)
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_store_that_is_away_is_told_before_a_worker_is_started(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THREADSIGHT_HOME", str(home))
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:9/0")
    monkeypatch.setattr("threadsight.store.open_redis", partial(open_redis, ride_out_s=0.1))
    with pytest.raises(StoreUnavailable):
        run_both()
    assert list(home.iterdir()) == []


async def test_a_side_ends_when_nobody_starts_its_store_any_more() -> None:
    def check() -> None:
        raise ServiceFailed(name="valkey", reason="No space left on device", log="log")

    async def serve() -> None:
        await asyncio.Event().wait()

    given_up = OpenStore(store("redis://queue.example"), check=check)
    async with asyncio.timeout(5):
        with pytest.raises(ServiceFailed, match="No space left"):
            await watched(serve(), given_up.watch())
