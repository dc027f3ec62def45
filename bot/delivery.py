"""From the answer stream to the thread: how things stand, the words as they come, the end, and what was posted.

It sees one delivery through; that the delivery stays ours meanwhile is `bot.custody`'s business.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import msgspec
import structlog

from bot.errors import NotPosted, PlaceGone
from bot.frontend import Frontend, Posted, Reply
from bot.progress import NO_WORKER, words_for
from bot.splitting import split
from jobs import (
    AnswerEvent,
    AnswerReader,
    Cancelled,
    Delivery,
    Delta,
    Done,
    Ending,
    Failed,
    Job,
    JobKind,
    Monitor,
    QueueIn,
    ReplyLedger,
    Started,
)
from jobs.errors import ThreadsightError

_NO_WORKER_AFTER_S = 5.0  # a worker between two claims is there; one that has not come by then is not
_FIRST_LOOK_S = 1.0  # within it Redis says what was said already of an answer that is taken over
_POSITION_INTERVAL_S = 2.0  # how often a waiting question looks where it stands
_FIRST_RETRY_S = 1.0
_LONGEST_RETRY_S = 30.0
_ONE_POST_S = 60.0  # a platform that has not answered by then is asked again; replies post nothing twice
_SIGN_LASTS_S = 60.0  # then it is shown again, unchanged: Slack takes a status away after two minutes
_LAST_SHOW_S = 3.0  # what is being shown when the answer ends may still land; the final text waits no longer for it
_FILE_PATIENCE_S = 30.0  # the text matters more than its file
_NO_TEXT = "There is no text in it that I can read."
_NOTHING_SAID = "The model had nothing to say."
_CONTINUED = "\n\n(The whole answer is in the file.)"
_CUT_SHORT = "\n\n(The answer is longer, and no file could be posted here.)"
_SENTENCES = {"forgotten": "Forgotten, as asked."}  # by reason of the cancellation; else it was stopped

log = structlog.get_logger()


class Courier:
    """Delivers answers. It holds nothing between two of them."""

    def __init__(
        self,
        *,
        holder: str,
        queue: QueueIn,
        answers: AnswerReader,
        replies: ReplyLedger,
        monitor: Monitor,
        give_up_s: float,
    ) -> None:
        self._holder = holder
        self._monitor = monitor
        self._queue = queue
        self._answers = answers
        self._replies = replies
        self._give_up_s = give_up_s

    async def deliver(self, owed: Delivery, frontend: Frontend) -> None:
        """Follow one answer to its end, and leave its final text standing.

        Raises:
            NotPosted: the platform took no end for `give_up_s`, and may later; it is owed still.
            Fenced: another process delivers it now.
            StoreUnavailable: it is owed still. The last two may come in an `ExceptionGroup`.
        """
        standing = _Standing(self._replies, owed, holder=self._holder)
        reply = frontend.reply(owed.job, owed.posted)
        draft = _Draft()
        async with asyncio.TaskGroup() as group:
            painting = group.create_task(self._paint(reply, draft, standing, frontend.edit_interval_s))
            ending = await self._follow(owed.job, draft)
            await asyncio.wait({painting}, timeout=_LAST_SHOW_S)
            painting.cancel()
        try:
            await self._conclude(reply, ending, standing, frontend.most_characters)
        except PlaceGone as error:
            log.warning("nowhere to post", job=str(owed.job.id), error=error.sentence)
        except NotPosted as error:
            if error.passes:
                raise
            log.error("answer given up", job=str(owed.job.id), error=error.sentence)  # noqa: TRY400 - all is said
        await self._replies.close(holder=self._holder, job=owed.job.id)

    async def refuse(self, job: Job, frontend: Frontend, refusal: Failed) -> None:
        """Tell whoever asked that the question was not accepted; once, whether the platform takes it or not."""
        try:
            await _in_time(frontend.reply(job, ()).fail(refusal, refusal.advice))
        except (NotPosted, PlaceGone) as error:
            log.warning("refusal not told", job=str(job.id), refusal=refusal.code, error=error.sentence)

    async def _follow(self, job: Job, draft: "_Draft") -> Ending:
        """Keep the draft up to date until the answer ends."""
        ending: Ending | None = None
        async for event in self._answers.follow(job.id):
            draft.apply(event)
            if isinstance(event, Ending):
                ending = event
        assert ending is not None, "an answer stream ends with its terminal event"
        return ending

    async def _paint(self, reply: Reply, draft: "_Draft", standing: "_Standing", interval_s: float) -> None:
        """Show the draft when it has changed, no more often than the platform allows. It may fail: the end may not."""
        shown: tuple[str, bool] | None = None
        shown_at_s = 0.0
        began_s = asyncio.get_running_loop().time()
        if standing.is_taken_over:  # its words may stand there, or those of a newer revision
            await _wait(draft.changed, _FIRST_LOOK_S)
        while not draft.ended.is_set():
            draft.changed.clear()
            progress = not draft.text
            now_s = asyncio.get_running_loop().time()
            text = draft.text or await self._how_it_stands(standing.job, waited_s=now_s - began_s)
            if (text, progress) != shown or (progress and now_s - shown_at_s > _SIGN_LASTS_S):
                pause_s = interval_s
                shown_at_s = now_s
                try:
                    await standing.now(await _in_time(reply.show(text, progress=progress)))
                    shown = text, progress
                except NotPosted as error:
                    log.info("not shown", job=str(standing.job.id), error=error.sentence)
                    pause_s = max(interval_s, error.retry_after_s or 0.0)
                except PlaceGone:
                    return
                except ThreadsightError:
                    raise
                except Exception:  # a bug of ours stands in the way: the end may still be told
                    log.exception("not shown", job=str(standing.job.id))
                    return
                await _wait(draft.ended, pause_s)
            await _wait(draft.changed, _POSITION_INTERVAL_S)

    async def _how_it_stands(self, job: Job, *, waited_s: float) -> str:
        position = await self._queue.position(job.id)
        if position is not None and waited_s > _NO_WORKER_AFTER_S and not (await self._monitor.health()).has_worker:
            return NO_WORKER
        return words_for(position)

    async def _conclude(self, reply: Reply, ending: Ending, standing: "_Standing", most: int | None) -> None:
        """The last word, tried until the platform takes it.

        Raises:
            NotPosted: it took none for too long.
            PlaceGone: there is no place for it.
        """
        match ending:
            case Done(text=text) if most is not None and len(text) > most:
                name = "text.txt" if standing.job.kind is JobKind.OCR else "answer.md"
                more = _CONTINUED
                try:
                    await self._post(standing, lambda: reply.attach(name, text.encode()), give_up_s=_FILE_PATIENCE_S)
                except (NotPosted, PlaceGone):  # that there is no place at all is found with the text
                    more = _CUT_SHORT
                done = msgspec.structs.replace(ending, text=split(text, most - len(more))[0] + more)
                await self._post(standing, lambda: reply.finish(done))
            case Done(text=text) if not text.strip():
                words = _NO_TEXT if standing.job.kind is JobKind.OCR else _NOTHING_SAID
                await self._post(standing, lambda: reply.finish(msgspec.structs.replace(ending, text=words)))
            case Done():
                await self._post(standing, lambda: reply.finish(ending))
            case Cancelled(reason="superseded"):
                pass  # the newer revision speaks in the same place
            case Cancelled(reason=reason):
                await self._post(standing, lambda: reply.fail(ending, _SENTENCES.get(reason, "Stopped.")))
            case Failed(advice=advice):
                await self._post(standing, lambda: reply.fail(ending, advice))

    async def _post(
        self, standing: "_Standing", post: Callable[[], Awaitable[Posted]], *, give_up_s: float | None = None
    ) -> None:
        """Post and record, waiting longer from try to try, or as long as the platform says.

        It posts what nobody may post twice: only while the delivery is ours beyond doubt.

        Raises: as `_conclude`.
        """
        loop = asyncio.get_running_loop()
        until_s = loop.time() + min(self._give_up_s, give_up_s or self._give_up_s)
        pause_s = _FIRST_RETRY_S
        while True:
            await standing.confirm()
            try:
                await standing.now(await _in_time(post()))
            except NotPosted as error:
                log.warning("not posted", job=str(standing.job.id), error=error.sentence)
                wait_s = error.retry_after_s or pause_s
                if loop.time() + wait_s > until_s:
                    raise
            else:
                return
            await asyncio.sleep(wait_s)
            pause_s = min(2 * pause_s, _LONGEST_RETRY_S)


class _Draft:
    """The answer so far."""

    def __init__(self) -> None:
        self.text = ""  # a second attempt takes no words back: with the same seed it says the same ones again
        self.changed = asyncio.Event()
        self.ended = asyncio.Event()
        self._written = ""  # by the running attempt

    def apply(self, event: AnswerEvent) -> None:
        """Take in what has happened."""
        match event:
            case Started():
                self._written = ""
            case Delta(offset=offset, text=text):
                if not text or (offset == 0 and self._written):
                    self.text = ""  # it begins anew: what it said rests on something that is forgotten
                self._written = self._written[:offset] + text
                if len(self._written) >= len(self.text):
                    self.text = self._written
            case _:
                self.ended.set()
        self.changed.set()


class _Standing:
    """What stands on the platform for a job, and the ledger's word on it."""

    def __init__(self, replies: ReplyLedger, owed: Delivery, *, holder: str) -> None:
        self.job = owed.job
        self.is_taken_over = owed.taken_in  # whoever submits it takes its pictures in
        self._replies = replies
        self._holder = holder
        self._posted: Posted = owed.posted

    async def now(self, posted: Posted) -> None:
        """Record what stands there, where it differs from what is recorded.

        Raises:
            Fenced: the delivery is no longer ours.
        """
        if posted != self._posted:
            self._posted = posted
            await self.confirm()

    async def confirm(self) -> None:
        """Record it whether it differs or not: raises `Fenced` when the delivery is no longer ours."""
        await self._replies.record(holder=self._holder, job=self.job.id, posted=self._posted)


async def _in_time(post: Awaitable[Posted]) -> Posted:
    """What the platform answers, unless it takes too long."""
    try:
        async with asyncio.timeout(_ONE_POST_S):
            return await post
    except TimeoutError:
        raise NotPosted(reason=f"no answer within {_ONE_POST_S:.0f} s") from None


async def _wait(event: asyncio.Event, timeout_s: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            await event.wait()
