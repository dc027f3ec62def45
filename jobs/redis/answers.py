"""Answers over Redis: one stream per job."""

from collections.abc import AsyncIterator

import msgspec

from jobs.answer import AnswerEvent, Ending, Failed
from jobs.errors import QuestionUnknown, QuestionUnreadable
from jobs.job import JobId
from jobs.redis.encoding import read_ending, read_event
from jobs.redis.server import BLOCK_S, Server


class RedisAnswers:
    """`AnswerReader`. A reader waits in a blocking read: one connection each, no polling."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def follow(self, job: JobId) -> AsyncIterator[AnswerEvent]:
        """See `AnswerReader.follow`."""
        stream, last_read, block_s = f"answers:{job}", "0-0", 0.0
        while True:
            entries = await self._server.read(stream, after=last_read, block_s=block_s)
            block_s = BLOCK_S
            for entry_id, fields in entries:
                last_read = entry_id
                if b"ending" in fields:
                    yield _read_ending(fields[b"ending"])
                    return
                if (event := _read_event(fields[b"event"])) is not None:
                    yield event
            if entries:
                continue
            # Silence: the stream may have expired, and the ending is kept for longer than the stream.
            goes_on, ending = await self._server.call("ending", str(job))
            if ending is not None:
                yield _read_ending(ending)
                return
            if not goes_on:
                unknown = QuestionUnknown()
                yield Failed(code=unknown.code, advice=unknown.sentence)
                return


def _read_event(stored: bytes) -> AnswerEvent | None:
    """None for a kind of event that only a newer version knows: the ending has the whole text."""
    try:
        event: AnswerEvent = read_event(stored)
    except msgspec.MsgspecError:
        return None
    return event


def _read_ending(stored: bytes) -> Ending:
    try:
        ending: Ending = read_ending(stored)
    except msgspec.MsgspecError:
        unreadable = QuestionUnreadable()
        return Failed(code=unreadable.code, advice=unreadable.sentence)
    return ending
