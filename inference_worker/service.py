"""The worker's use case: a claimed job becomes a dialogue, the engine's words are published, the end is committed."""

import asyncio
from collections.abc import Coroutine
from contextlib import aclosing, suppress
from typing import Any

import structlog

from inference_worker.answer_engine import Answered, AnswerEngine, Text
from inference_worker.dialogue import Dialogue
from inference_worker.errors import EngineFailed
from inference_worker.history import build_dialogue, build_turn, notices_for
from inference_worker.presets import Presets
from inference_worker.publisher import Publisher
from jobs import Cancelled, Claim, ConversationStore, Done, Ending, Failed, Picture, PictureStore, QueueOut, Turn
from jobs.errors import Fenced, PictureGone, StoreUnavailable, ThreadsightError

log = structlog.get_logger()


class Service:
    """Answers claims. It holds nothing between two of them."""

    def __init__(
        self,
        engine: AnswerEngine,
        *,
        queue: QueueOut,
        conversations: ConversationStore,
        pictures: PictureStore,
        presets: Presets,
        ocr_crops: int,
    ) -> None:
        self._engine = engine
        self._queue = queue
        self._conversations = conversations
        self._pictures = pictures
        self._presets = presets
        self._ocr_crops = ocr_crops

    async def answer(self, claim: Claim, stop: "asyncio.Future[str]") -> None:
        """See one claim through to its commit. `stop` resolves to the reason when somebody cancels the job.

        Raises:
            RestsOnForgotten: it is to be answered anew.
            Fenced: another worker has the job now.
            StoreUnavailable: nothing can be published or committed; the job is run again when its lease is over.
        """
        publisher = Publisher(self._queue, claim)
        ending, turn = await self._work(claim, publisher, stop)
        await self._queue.commit(claim, ending, turn)

    async def _work(
        self, claim: Claim, publisher: Publisher, stop: "asyncio.Future[str]"
    ) -> tuple[Ending, Turn | None]:
        dialogue: Dialogue | None = None
        try:
            dialogue = await self._read_dialogue(claim)
            answered = await _unless_stopped(self._publish(dialogue, publisher), stop)
        except (Fenced, StoreUnavailable):
            raise
        except Exception as error:  # noqa: BLE001 - the job must end: its asker is told, and the log keeps the reason
            return _failed(claim, error), _unanswered(claim, dialogue)
        text = publisher.text.strip()
        if answered is None:
            turn = build_turn(claim, dialogue, text, None) if text else _unanswered(claim, dialogue)
            return Cancelled(reason=stop.result(), text=text), turn
        turn = build_turn(claim, dialogue, text, answered)
        notices = (*claim.notices, *notices_for(dialogue), *answered.notices)
        return Done(text=text, usage=answered.usage, notices=notices), turn

    async def _read_dialogue(self, claim: Claim) -> Dialogue:
        tenant = claim.job.conversation.tenant_key

        async def load_picture(picture: Picture) -> bytes:
            stored = await self._pictures.get(tenant, picture.digest)
            if stored is None:
                raise PictureGone(number=picture.number)
            return stored

        return build_dialogue(
            claim,
            await self._conversations.load(claim.job.conversation),
            presets=self._presets,
            ocr_crops=self._ocr_crops,
            load_picture=load_picture,
        )

    async def _publish(self, dialogue: Dialogue, publisher: Publisher) -> Answered:
        async with aclosing(self._engine.answer(dialogue)) as parts:
            async for part in parts:
                if isinstance(part, Text):
                    await publisher.add(part.text)
                else:
                    return part
        raise AssertionError("an engine's last word is Answered")


async def _unless_stopped(work: Coroutine[None, None, Answered], stop: "asyncio.Future[str]") -> Answered | None:
    """The work's result, or None when `stop` came first; the work is ended then."""
    task = asyncio.ensure_future(work)
    try:
        either: list[asyncio.Future[Any]] = [task, stop]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def _failed(claim: Claim, error: Exception) -> Failed:
    if not isinstance(error, ThreadsightError):
        log.error("answer failed", job=str(claim.job.id), exc_info=error)
        error = EngineFailed()
    return Failed(code=error.code, advice=error.sentence, notices=claim.notices)


def _unanswered(claim: Claim, dialogue: Dialogue | None) -> Turn | None:
    """A question without any answer keeps its pictures in the conversation. A second try without one leaves the first."""
    if dialogue is None or claim.job.revision:
        return None
    return build_turn(claim, dialogue, "", None)
