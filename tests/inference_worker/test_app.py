import asyncio

import pytest

from inference_worker.app import _work
from inference_worker.errors import EngineLost
from jobs import ConversationId, Job, Position
from jobs.memory import open_memory
from jobs.settings import StoreSettings
from tests.inference_worker.scripted_engine import ScriptedEngine
from tests.inference_worker.workers import build_worker


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
