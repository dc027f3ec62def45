"""The chat side's use case: admit a mention, submit it, take in and attach its pictures, deliver its answer."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress

import structlog

from bot.admission import Admission
from bot.custody import Custody
from bot.delivery import Courier
from bot.errors import BotFailed, NothingAsked, NothingToSee, NotPosted
from bot.frontend import Frontend
from bot.intake import Intake
from bot.links import with_links
from bot.memory import Memory
from bot.mention import Mention
from jobs import Cancelled, Delivery, Failed, Job, JobId, QueueIn, ReplyLedger
from jobs.errors import Fenced, Refused, StoreUnavailable, ThreadsightError

log = structlog.get_logger()


class Responder:
    """What front ends call. From `respond` on, the asker is told everything that happens, the end included.

    `memory` is what they tell of what is kept, and forget on people's behalf. With `allow_urls`, addresses in the words of a
    question are references to pictures.
    """

    def __init__(
        self,
        *,
        holder: str,
        frontends: Mapping[str, Frontend],
        admission: Admission,
        queue: QueueIn,
        replies: ReplyLedger,
        intake: Intake,
        courier: Courier,
        custody: Custody,
        memory: Memory,
        patience_s: float,
        allow_urls: bool = False,
    ) -> None:
        self.memory = memory
        self._holder = holder
        self._frontends = frontends
        self._admission = admission
        self._queue = queue
        self._replies = replies
        self._intake = intake
        self._courier = courier
        self._custody = custody
        self._patience_s = patience_s
        self._allow_urls = allow_urls
        self._retired: set[str] = set()

    @property
    def max_pictures(self) -> int:
        """That one question may bring."""
        return self._intake.max_pictures

    async def respond(self, mention: Mention) -> Job | None:
        """Accept a question and see to its answer in the background; None when it is refused, and the person told.

        Returns once the question is accepted: then no crash loses it, and its event may be acknowledged. The same
        event again joins the first.

        Raises:
            StoreUnavailable: whether it was accepted is not known: whoever asks again joins the first.
        """
        if self._allow_urls:
            mention = with_links(mention)
        job = mention.as_job(patience_s=self._patience_s)
        try:
            if not mention.asks_something:
                raise NothingAsked
            self._admission.admit(mention)
            submission = await self._queue.submit(job, holder=self._holder)
        except Refused as refusal:
            await self._courier.refuse(job, self._frontends[job.conversation.platform], _failed(refusal))
            return None
        if not submission.joined:
            self._see_to(Delivery(job=submission.job, taken_in=False))
        return submission.job

    async def stop(self, job: JobId) -> bool:
        """Somebody pressed Stop: the answer ends here, and is told as stopped. False: it had ended already."""
        return await self._queue.end(job, Cancelled(reason="stopped"))

    async def withdraw(self, job: JobId) -> None:
        """The asker takes the question back and wants to hear no more of it."""
        await self.stop(job)
        await self._custody.drop(job)
        await self._replies.close(holder=self._holder, job=job)

    async def settled(self, job: JobId) -> None:
        """Until this process has nothing more to do for a question."""
        await self._custody.wait(job)

    async def adopt(self) -> None:
        """Take over what another process, or this one's earlier life, accepted and cannot see through: all of it, batch by batch."""
        platforms = tuple(self._frontends.keys() - self._retired)
        while adopted := await self._replies.adopt(holder=self._holder, platforms=platforms):
            for owed in adopted:
                log.info("adopted", job=str(owed.job.id), posted=len(owed.posted))
                self._see_to(owed)

    async def retire(self, platform: str) -> None:
        """Nothing is delivered to a platform any more: what is owed there waits for a process that can."""
        self._retired.add(platform)
        await self._custody.drop_all(lambda job: job.platform == platform)

    def _see_to(self, owed: Delivery) -> None:
        self._custody.take(owed.job.id, self._see_through(owed))

    async def _see_through(self, owed: Delivery) -> None:
        """Take in and attach, and meanwhile deliver: the asker sees how things stand from the start."""
        frontend = self._frontends[owed.job.conversation.platform]
        try:
            async with asyncio.TaskGroup() as group:
                if not owed.taken_in:
                    group.create_task(self._take_in(owed.job, frontend))
                await self._courier.deliver(owed, frontend)
        except* Fenced:
            log.info("delivery lost", job=str(owed.job.id))
        except* (StoreUnavailable, NotPosted):
            # Owed still: it is adopted when the lease has run out, and the store is there.
            log.warning("delivery put off", job=str(owed.job.id))
        except* Exception:
            log.exception("delivery failed", job=str(owed.job.id))
            await self._end_failed(owed.job.id)

    async def _take_in(self, job: Job, frontend: Frontend) -> None:
        taken = await self._intake.take_in(job, frontend)
        if taken.leaves_nothing_to_see:
            await self._queue.end(job.id, _failed(NothingToSee(verdicts=" ".join(taken.verdicts))))
        else:
            await self._queue.attach(job.id, taken.pictures, taken.verdicts)

    async def _end_failed(self, job: JobId) -> None:
        """A bug of ours stood in the way: the job ends, and that is told when the delivery is adopted again.

        Where the job had ended already it is the telling that fails, and once more would not help.
        """
        if not await self._queue.end(job, _failed(BotFailed())):
            with suppress(Fenced):  # it is a newer revision's now
                await self._replies.close(holder=self._holder, job=job)


def _failed(error: ThreadsightError) -> Failed:
    return Failed(code=error.code, advice=error.sentence)
