"""A worker that answers what the test says, at once, or word by word while the test looks."""

import asyncio
from collections.abc import Callable

import msgspec

from jobs import Cancelled, Claim, Delta, Done, Ending, Failed, JobKind, Turn
from jobs.errors import RestsOnForgotten
from jobs.memory import MemoryJobs

Answer = Callable[[Claim], "str | Failed"]


def describe(claim: Claim) -> str:
    """The question, and how many pictures came with it."""
    return f"{claim.job.text or claim.job.kind} ({len(claim.pictures)})"


class Oracle:
    """Claims whatever is there. `hold` keeps it from ending; `words` are shown meanwhile."""

    def __init__(self, jobs: MemoryJobs) -> None:
        self._jobs = jobs
        self.answer: Answer = describe
        self.words = ""
        self.hold = asyncio.Event()
        self.hold.set()
        self.claims: list[Claim] = []
        self.room = 100
        self.is_killed = False  # while it is, what it is at work on is lost

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            while True:
                claims = await self._jobs.queue_out.claim(worker="oracle", room=self.room, wait_s=1.0)
                for claim in claims:
                    self.claims.append(claim)
                    group.create_task(self._see_to(claim))

    async def _see_to(self, claim: Claim) -> None:
        said = ""
        if self.words:
            await self._jobs.queue_out.publish(claim, Delta(attempt=claim.attempt, offset=0, text=self.words))
            said = self.words
        while not self.hold.is_set():
            if self.is_killed:
                return
            pulse = await self._jobs.queue_out.heartbeat(worker="oracle", claims=[claim])
            if pulse.cancellations:
                await self._commit(claim, Cancelled(reason=pulse.cancellations[0].reason, text=said), said)
                return
            if pulse.fenced:
                return
            await asyncio.sleep(0.01)
        answer = self.answer(claim)
        if isinstance(answer, Failed):
            await self._jobs.queue_out.commit(claim, answer)
        else:
            ending = Done(text=answer, notices=claim.notices)
            try:
                await self._commit(claim, ending, answer)
            except RestsOnForgotten as error:
                await self._commit(msgspec.structs.replace(claim, epoch=error.epoch), ending, answer)

    async def _commit(self, claim: Claim, ending: Ending, text: str) -> None:
        """With its turn, in which the new pictures have their numbers."""
        conversation = await self._jobs.conversations.load(claim.job.conversation)
        others = [turn for turn in conversation.turns if turn.source != claim.job.source]
        known = {picture.digest: picture for turn in others for picture in turn.pictures}
        count = sum(len(turn.pictures) for turn in others)
        brought = conversation.leaves(claim.job.source, claim.pictures)
        new = [picture for picture in brought if picture.digest not in known]
        numbered = [msgspec.structs.replace(picture, number=count + place) for place, picture in enumerate(new, 1)]
        job = claim.job
        turn = Turn(
            source=job.source,
            revision=job.revision,
            kind=job.kind,
            question=job.text,
            pictures=() if job.kind is JobKind.OCR and not new else tuple(numbered),
            again=tuple(known[picture.digest] for picture in brought if picture.digest in known),
            answer=text,
            asker=job.asker,
        )
        await self._jobs.queue_out.commit(claim, ending, turn)
