"""The worker's end of the queue."""

import asyncio
import contextlib
import time
import uuid
from collections.abc import Iterable, Sequence

import msgspec
import structlog

from jobs.answer import Delta, Done, Ending, Failed
from jobs.conversation import ConversationId, Turn
from jobs.errors import Fenced, QuestionUnreadable, RestsOnForgotten, StoreUnavailable
from jobs.job import JobId
from jobs.queue import Cancellation, Claim, Pulse
from jobs.redis.encoding import encode, escape_source, read_job, read_pictures, read_texts
from jobs.redis.server import Server

log = structlog.get_logger()

WITHDRAW_S = 1.0  # a worker that stops while Redis is away does not wait for it: the lease runs out by itself


class RedisQueueOut:
    """`QueueOut`. Remembers only how far each of its workers has read of what was forgotten."""

    def __init__(self, server: Server, *, forgotten_read: str) -> None:
        self._server = server
        self._first_read = forgotten_read
        self._forgotten_read: dict[str, str] = {}

    async def claim(self, *, worker: str, room: int, wait_s: float = 0.0) -> list[Claim]:
        """See `QueueOut.claim`."""
        until = time.monotonic() + wait_s
        while True:
            given = await self._take(worker, room, until)
            claims = [claim for fields in given if (claim := await self._read_claim(fields)) is not None]
            if claims or not given:
                return claims

    async def publish(self, claim: Claim, delta: Delta) -> None:
        """See `QueueOut.publish`."""
        job, attempt = str(claim.job.id), claim.attempt
        after = delta.offset + len(delta.text)
        if not await self._server.call("publish", job, attempt, claim.epoch, delta.offset, after, encode(delta)):
            raise Fenced(attempt=attempt, job=job)

    async def commit(self, claim: Claim, ending: Ending, turn: Turn | None = None) -> None:
        """See `QueueOut.commit`."""
        said = await self._commit(str(claim.job.id), claim.attempt, claim.epoch, ending, turn)
        if said > 1:
            raise RestsOnForgotten(attempt=claim.attempt, job=claim.job.id, epoch=said)
        if not said:
            raise Fenced(attempt=claim.attempt, job=claim.job.id)

    async def heartbeat(self, *, worker: str, claims: Sequence[Claim]) -> Pulse:
        """See `QueueOut.heartbeat`."""
        read = self._forgotten_read.get(worker, self._first_read)
        running = [(str(claim.job.id), str(claim.attempt)) for claim in claims]
        beat = encode({"worker": worker, "claims": running, "read": read})
        cancellations, fenced, forgotten, read = await self._server.call("heartbeat", beat)
        self._forgotten_read[worker] = read.decode()
        return Pulse(
            cancellations=tuple(
                Cancellation(job=JobId.read(job.decode()), reason=reason.decode()) for job, reason in cancellations
            ),
            fenced=tuple(JobId.read(job.decode()) for job in fenced),
            forgotten=tuple(
                (ConversationId.read(conversation.decode()), int(epoch)) for conversation, epoch in forgotten
            ),
        )

    async def _take(self, worker: str, room: int, until: float) -> list[dict[bytes, bytes]]:
        """What one call is given, at once or while it waits."""
        call = uuid.uuid4().hex
        try:
            return await self._take_for(call, worker, room, until)
        except asyncio.CancelledError:
            with contextlib.suppress(StoreUnavailable, TimeoutError):
                async with asyncio.timeout(WITHDRAW_S):
                    await self._server.call("withdraw", worker, call)
            raise

    async def _take_for(self, call: str, worker: str, room: int, until: float) -> list[dict[bytes, bytes]]:
        inbox, last_read = f"inbox:{call}", "0-0"
        while True:
            # It says again and again that it waits, so that little is given to one that was killed meanwhile.
            wait_s = min(max(0.0, until - time.monotonic()), self._server.settings.lease_s / 2)
            request = {"worker": worker, "room": room, "call": call, "wait_s": wait_s}
            given, free_in_s = await self._server.call("claim", encode(request))
            if given or wait_s <= 0 or room <= 0:
                return _jobs_among(dict(zip(fields[::2], fields[1::2], strict=True)) for _, fields in given)
            block_s = wait_s if free_in_s is None else min(wait_s, float(free_in_s))
            entries = await self._server.read(inbox, after=last_read, block_s=block_s)
            if jobs := _jobs_among(fields for _, fields in entries):
                return jobs
            last_read = entries[-1][0] if entries else last_read

    async def _read_claim(self, fields: dict[bytes, bytes]) -> Claim | None:
        job, attempt, epoch = fields[b"id"].decode(), int(fields[b"attempt"]), int(fields[b"epoch"])
        try:
            return Claim(
                job=read_job(fields[b"job"], fields[b"accepted"]),
                pictures=read_pictures(fields[b"pictures"]),
                notices=read_texts(fields[b"notices"]),
                attempt=attempt,
                epoch=epoch,
            )
        except msgspec.MsgspecError as error:
            # Left alone it would come back after every lease and hold up its conversation.
            log.warning("a job cannot be read and is ended", job=job, reason=str(error))
            unreadable = QuestionUnreadable()
            ending = Failed(code=unreadable.code, advice=unreadable.sentence)
            await self._commit(job, attempt, epoch, ending, None)
            return None

    async def _commit(self, job: str, attempt: int, epoch: int, ending: Ending, turn: Turn | None) -> int:
        """0: fenced; beyond 1: the epoch in which it is to be answered anew."""
        answered = int(isinstance(ending, Done))
        source, stored = ("", b"") if turn is None else (escape_source(turn.source), encode(turn))
        return int(await self._server.call("commit", job, attempt, epoch, encode(ending), answered, source, stored))


def _jobs_among(entries: Iterable[dict[bytes, bytes]]) -> list[dict[bytes, bytes]]:
    """Entries of an inbox that are jobs; the others only say that it is worth to look again."""
    return [fields for fields in entries if b"id" in fields]
