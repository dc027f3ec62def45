"""A worker over the memory store, with an engine that says what it is told."""

from inference_worker.presets import Presets
from inference_worker.service import Service
from inference_worker.worker import Worker
from jobs.memory import MemoryJobs
from tests.inference_worker.scripted_engine import ScriptedEngine


def build_worker(jobs: MemoryJobs, engine: ScriptedEngine, *, name: str = "A", room: int = 4) -> Worker:
    service = Service(
        engine,
        queue=jobs.queue_out,
        conversations=jobs.conversations,
        pictures=jobs.pictures,
        presets=Presets(),
        ocr_crops=16,
    )
    return Worker(
        service,
        engine,
        queue=jobs.queue_out,
        reaper=jobs.reaper,
        name=name,
        room=room,
        heartbeat_s=0.01,
        grace_s=1.0,
    )
