import asyncio

import pytest

from inference_worker.app import _work
from inference_worker.errors import EngineLost
from inference_worker.presets import Presets
from inference_worker.service import Service
from inference_worker.worker import Worker
from jobs import ConversationId, Job, Position
from jobs.memory import open_memory
from jobs.settings import StoreSettings
from tests.inference_worker.scripted_engine import ScriptedEngine


async def test_a_worker_whose_engine_is_lost_ends_and_its_questions_are_answered_by_the_next() -> None:
    jobs, engine = open_memory(StoreSettings()), ScriptedEngine()
    service = Service(
        engine,
        queue=jobs.queue_out,
        conversations=jobs.conversations,
        pictures=jobs.pictures,
        presets=Presets(),
        ocr_crops=16,
    )
    worker = Worker(
        service,
        engine,
        queue=jobs.queue_out,
        reaper=jobs.reaper,
        name="A",
        room=1,
        heartbeat_s=0.01,
        grace_s=1.0,
    )
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
