"""Drawn values: what a test says about a question is what matters to it."""

import itertools
from collections.abc import Iterable

import msgspec

from jobs import (
    Claim,
    ConversationId,
    Done,
    Job,
    JobId,
    Picture,
    PictureRef,
    Turn,
)
from jobs.errors import RestsOnForgotten
from jobs.stores import Jobs

_numbers = itertools.count(1)


def conversation(thread: str = "", *, tenant: str = "T1", platform: str = "slack") -> ConversationId:
    return ConversationId(platform=platform, tenant=tenant, channel="C1", thread=thread or f"thread {next(_numbers)}")


def question(
    where: ConversationId | None = None,
    *,
    source: str = "",
    revision: int = 0,
    text: str = "what is this?",
    asker: str = "ann",
    patience_s: float = 600.0,
    reply_to: str = "",
    origins: Iterable[str] = (),
) -> Job:
    return Job(
        conversation=where or conversation(),
        source=source or f"message/{next(_numbers)}",
        revision=revision,
        text=text,
        asker=asker,
        patience_s=patience_s,
        reply_to=reply_to,
        references=tuple(PictureRef(platform="slack", origin=origin) for origin in origins),
    )


def picture(digest: str, *, name: str = "cat.png", origin: str = "F1") -> Picture:
    ref = PictureRef(platform="slack", origin=origin, name=name)
    return Picture(digest=digest, width=640, height=480, ref=ref)


def turn_of(job: Job, answer: str, *, pictures: Iterable[Picture] = ()) -> Turn:
    return Turn(
        source=job.source,
        revision=job.revision,
        kind=job.kind,
        question=job.text,
        answer=answer,
        pictures=tuple(pictures),
        asker=job.asker,
    )


async def ask(jobs: Jobs, job: Job, *, holder: str = "bot") -> JobId:
    """Submit a question without pictures."""
    return (await jobs.queue_in.submit(job, holder=holder, ready=True)).job.id


async def claim_one(jobs: Jobs, worker: str = "A") -> Claim:
    (claim,) = await jobs.queue_out.claim(worker=worker, room=1)
    return claim


async def answer(jobs: Jobs, claim: Claim, text: str = "a cat") -> None:
    await jobs.queue_out.commit(claim, Done(text=text), turn_of(claim.job, text))


async def answer_anew(jobs: Jobs, claim: Claim, text: str = "a cat") -> None:
    """As a worker does that hears with its commit that something was forgotten meanwhile."""
    try:
        await answer(jobs, claim, text)
    except RestsOnForgotten as error:
        await answer(jobs, msgspec.structs.replace(claim, epoch=error.epoch), text)


async def answer_all(jobs: Jobs, worker: str = "A") -> list[Job]:
    """Claim and answer until nothing is ready; the jobs in the order answered."""
    answered = []
    while claims := await jobs.queue_out.claim(worker=worker, room=1):
        await answer(jobs, claims[0])
        answered.append(claims[0].job)
    return answered
