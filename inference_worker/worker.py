"""The worker's loop: claims as many conversations as there is room for, and keeps its word to the queue."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

import msgspec
import structlog

from inference_worker.answer_engine import AnswerEngine
from inference_worker.service import Service
from jobs import Claim, ConversationId, JobId, Pulse, QueueOut, Reaper
from jobs.errors import Fenced, RestsOnForgotten, StoreUnavailable

log = structlog.get_logger()

CLAIM_WAIT_S = 1.0  # how long a claim waits for work before it looks whether to stop
RETRY_S = 1.0  # between two tries when the store is away
REAP_S = 1.0


@dataclass(frozen=True, slots=True)
class Running:
    """An answer in the making."""

    claim: Claim
    task: "asyncio.Task[None]"
    stop: "asyncio.Future[str]"


class Worker:
    """One worker process's share of the queue: at most `room` answers at once."""

    def __init__(
        self,
        service: Service,
        engine: AnswerEngine,
        *,
        queue: QueueOut,
        reaper: Reaper,
        name: str,
        room: int,
        heartbeat_s: float,
        grace_s: float,
    ) -> None:
        self._service = service
        self._engine = engine
        self._queue = queue
        self._reaper = reaper
        self._name = name
        self._room = room
        self._heartbeat_s = heartbeat_s
        self._grace_s = grace_s
        self._running: dict[JobId, Running] = {}
        self._freed = asyncio.Event()

    async def run(self, stopping: asyncio.Event) -> None:
        """Work until `stopping`; then claim nothing more, and give what is running `grace_s` to end."""
        chores = [
            asyncio.create_task(self._every(self._heartbeat_s, self._beat), name="heartbeat"),
            asyncio.create_task(self._every(REAP_S, self._reap), name="reaper"),
            asyncio.create_task(self._wake_at_the_end(stopping), name="end"),
        ]
        try:
            while not stopping.is_set():
                await self._ride_out(self._claim)
            await self._finish()
        finally:
            for chore in chores:
                chore.cancel()

    async def _wake_at_the_end(self, stopping: asyncio.Event) -> None:
        """Whoever waits for a place has nothing to wait for then."""
        await stopping.wait()
        self._freed.set()

    async def _claim(self) -> None:
        self._freed.clear()
        room = self._room - len(self._running)
        if room == 0:
            await self._freed.wait()
            return
        for claim in await self._queue.claim(worker=self._name, room=room, wait_s=CLAIM_WAIT_S):
            self._start(claim)

    def _start(self, claim: Claim) -> None:
        late = self._running.pop(claim.job.id, None)
        if late is not None:
            late.task.cancel()  # our own lease had run out, or it began with what is forgotten: this claim is newer
        stop: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(self._answer(claim, stop), name=f"answer {claim.job.id}")
        running = Running(claim, task, stop)
        self._running[claim.job.id] = running
        task.add_done_callback(lambda _: self._end(running))

    async def _answer(self, claim: Claim, stop: "asyncio.Future[str]") -> None:
        try:
            await self._service.answer(claim, stop)
        except RestsOnForgotten as error:  # it ended before the heartbeat that would have told
            self._begin_anew(claim.job.conversation, error.epoch)
        except Fenced:
            log.info("another worker has the job now", job=str(claim.job.id), attempt=claim.attempt)
        except StoreUnavailable as error:
            log.warning("an answer could not be handed over", job=str(claim.job.id), reason=error.sentence)

    def _end(self, running: Running) -> None:
        if self._running.get(running.claim.job.id) is running:
            del self._running[running.claim.job.id]
        self._freed.set()
        if not running.task.cancelled() and running.task.exception() is not None:
            log.error("answer task broke", job=str(running.claim.job.id), exc_info=running.task.exception())

    async def _beat(self) -> None:
        beating = tuple(self._running.values())
        pulse = await self._queue.heartbeat(worker=self._name, claims=[running.claim for running in beating])
        self._apply(pulse, {running.claim.job.id: running for running in beating})

    def _apply(self, pulse: Pulse, beating: dict[JobId, Running]) -> None:
        for cancellation in pulse.cancellations:
            running = beating.get(cancellation.job)
            if running is not None and not running.stop.done():
                running.stop.set_result(cancellation.reason)
        for job in pulse.fenced:
            if job in beating:
                beating[job].task.cancel()
        for conversation, epoch in pulse.forgotten:
            self._engine.forget(conversation, epoch=epoch)
            self._begin_anew(conversation, epoch)

    def _begin_anew(self, conversation: ConversationId, epoch: int) -> None:
        """Something was forgotten there that answers in the making may build on. One that was asked to stop just ends."""
        forget = partial(self._engine.forget, conversation, epoch=epoch)
        for running in list(self._running.values()):
            claim = running.claim
            if claim.job.conversation != conversation or claim.epoch >= epoch:
                continue
            running.task.add_done_callback(lambda _: forget())  # till then it may hand the engine what is forgotten
            if not running.stop.done():
                self._start(msgspec.structs.replace(claim, epoch=epoch))

    async def _reap(self) -> None:
        await self._reaper.reap()

    async def _finish(self) -> None:
        tasks = [running.task for running in self._running.values()]
        if tasks:
            log.info("finishing answers before the end", answers=len(tasks), grace_s=self._grace_s)
            _, late = await asyncio.wait(tasks, timeout=self._grace_s)
            for task in late:
                task.cancel()  # their leases run out and another worker answers

    async def _every(self, interval_s: float, chore: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await self._ride_out(chore)
            except Exception:
                # Without heartbeats nothing would reach this worker, and it would lose all that it claims.
                log.exception("a chore failed, it is tried again")
                await asyncio.sleep(RETRY_S)
            await asyncio.sleep(interval_s)

    @staticmethod
    async def _ride_out(chore: Callable[[], Awaitable[None]]) -> None:
        try:
            await chore()
        except StoreUnavailable as error:
            log.warning("the store is away, trying again", reason=error.sentence)
            await asyncio.sleep(RETRY_S)
