"""The worker's end of the queue."""

import time
import uuid
from collections.abc import Sequence

import msgspec
import structlog

from jobs.answer import Delta, Done, Ending, Failed
from jobs.conversation import ConversationId, Turn
from jobs.errors import Fenced, QuestionUnreadable
from jobs.job import JobId
from jobs.queue import Cancellation, Claim, Pulse
from jobs.redis.encoding import encode, escape_source, read_job, read_pictures, read_texts
from jobs.redis.server import Server

log = structlog.get_logger()


class RedisQueueOut:
    """`QueueOut`. Remembers only how far each of its workers has read of what was forgotten."""

    def __init__(self, server: Server, *, forgotten_read: str) -> None:
        self._server = server
        self._first_read = forgotten_read
        self._forgotten_read: dict[str, str] = {}

    async def claim(self, *, worker: str, room: int, wait_s: float = 0.0) -> list[Claim]:
        """See `QueueOut.claim`."""
        until = time.monotonic() + wait_s
        call, last_read = uuid.uuid4().hex, "0-0"
        while True:
            left_s = max(0.0, until - time.monotonic())
            request = encode({"worker": worker, "room": room, "call": call, "wait_s": left_s})
            given, free_in_s = await self._server.call("claim", request)
            entries = [dict(zip(fields[::2], fields[1::2], strict=True)) for _, fields in given]
            if not given and left_s > 0 and room > 0:
                block_s = left_s if free_in_s is None else min(left_s, float(free_in_s))
                read = await self._server.read(f"inbox:{call}", after=last_read, block_s=block_s)
                last_read = read[-1][0] if read else last_read
                entries = [fields for _, fields in read]
            claims = [
                claim for fields in entries if b"id" in fields and (claim := await self._read_claim(fields)) is not None
            ]
            if claims or left_s <= 0:
                return claims

    async def publish(self, claim: Claim, delta: Delta) -> None:
        """See `QueueOut.publish`."""
        job, attempt = str(claim.job.id), claim.attempt
        after = delta.offset + len(delta.text)
        if not await self._server.call("publish", job, attempt, delta.offset, after, encode(delta)):
            raise Fenced(attempt=attempt, job=job)

    async def commit(self, claim: Claim, ending: Ending, turn: Turn | None = None) -> None:
        """See `QueueOut.commit`."""
        if not await self._commit(str(claim.job.id), claim.attempt, ending, turn):
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

    async def _read_claim(self, fields: dict[bytes, bytes]) -> Claim | None:
        job, attempt = fields[b"id"].decode(), int(fields[b"attempt"])
        try:
            return Claim(
                job=read_job(fields[b"job"], fields[b"accepted"]),
                pictures=read_pictures(fields[b"pictures"]),
                notices=read_texts(fields[b"notices"]),
                attempt=attempt,
                epoch=int(fields[b"epoch"]),
            )
        except msgspec.MsgspecError as error:
            # Left alone it would come back after every lease and hold up its conversation.
            log.warning("a job cannot be read and is ended", job=job, reason=str(error))
            unreadable = QuestionUnreadable()
            ending = Failed(code=unreadable.code, advice=unreadable.sentence)
            await self._commit(job, attempt, ending, None)
            return None

    async def _commit(self, job: str, attempt: int, ending: Ending, turn: Turn | None) -> bool:
        answered = int(isinstance(ending, Done))
        source, stored = ("", b"") if turn is None else (escape_source(turn.source), encode(turn))
        return bool(await self._server.call("commit", job, attempt, encode(ending), answered, source, stored))
