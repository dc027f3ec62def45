"""Answers in one process."""

from collections.abc import AsyncIterator

from jobs.answer import AnswerEvent, Ending, Failed
from jobs.errors import QuestionUnknown
from jobs.job import JobId
from jobs.memory.state import State


class MemoryAnswers:
    """`AnswerReader`."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def follow(self, job: JobId) -> AsyncIterator[AnswerEvent]:
        """See `AnswerReader.follow`."""
        seen = 0
        while (record := self._state.record(job)) is not None:
            for event in record.events[seen:]:
                seen += 1
                if event is None:
                    continue  # taken back
                yield event
                if isinstance(event, Ending):
                    return
            if seen == len(record.events):  # else more was written while the reader was busy
                await self._state.clock.wait()
        error = QuestionUnknown()
        yield Failed(code=error.code, advice=error.sentence)
