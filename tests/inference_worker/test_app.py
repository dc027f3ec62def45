import asyncio
import signal
import subprocess
import sys

import pytest

from inference_worker.app import _work
from inference_worker.errors import EngineLost
from jobs import ConversationId, Job, Position
from jobs.memory import open_memory
from jobs.settings import StoreSettings
from tests.inference_worker.scripted_engine import ScriptedEngine
from tests.inference_worker.workers import build_worker

LOADING = """
import asyncio, contextlib, signal, time
from inference_worker import app
from inference_worker.settings import WorkerSettings
from jobs.settings import StoreSettings

@contextlib.asynccontextmanager
async def open_nothing(*_):
    yield

def load(*_):
    print("loading", flush=True)
    time.sleep(30)

signal.signal(signal.SIGINT, signal.default_int_handler)  # as in a terminal
app.open_redis, app.load_native = open_nothing, load
asyncio.run(app.run(WorkerSettings.read(), StoreSettings.model_validate({"REDIS_URL": "redis://queue.example"})))
"""


def test_ctrl_c_ends_a_worker_that_loads_its_model() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", LOADING], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as loading:
        assert loading.stdout
        while loading.stdout.readline() not in {"loading\n", ""}:
            pass
        loading.send_signal(signal.SIGINT)
        try:
            _, said = loading.communicate(timeout=10)
        finally:
            loading.kill()
    assert (loading.returncode, said) == (-signal.SIGINT, "")


async def test_a_worker_whose_engine_is_lost_ends_and_its_questions_are_answered_by_the_next() -> None:
    jobs, engine = open_memory(StoreSettings()), ScriptedEngine()
    worker = build_worker(jobs, engine, room=1)
    here = ConversationId(platform="shell", tenant="local", channel="desk", thread="1")
    asked = Job(conversation=here, source="q1", text="one two")
    engine.hold.clear()
    await jobs.queue_in.submit(asked, holder="bot", ready=True)
    async with asyncio.timeout(5):
        work = asyncio.create_task(_work(worker, engine, asyncio.Event()))
        while not engine.at_once:
            await asyncio.sleep(0.005)
        engine.lost.set()
        with pytest.raises(EngineLost):
            await work
    jobs.clock.advance(60)
    await jobs.reaper.reap()
    assert await jobs.queue_in.position(asked.id) == Position(ahead=0)
