"""What the worker's tests are made of: pictures, claims and dialogues."""

from collections.abc import Awaitable, Callable

from inference_worker.dialogue import Dialogue
from jobs import (
    Claim,
    Conversation,
    ConversationId,
    Job,
    JobId,
    JobKind,
    Picture,
    PictureRef,
    Sampling,
    Turn,
)
from jobs.errors import PictureGone

HERE = ConversationId(platform="shell", tenant="local", channel="desk", thread="1")


def picture(name: str, number: int = 0, *, width: int = 224, height: int = 224, max_crops: int = 4) -> Picture:
    return Picture(
        digest=name,
        width=width,
        height=height,
        ref=PictureRef(platform="shell", origin=name, name=f"{name}.png"),
        max_crops=max_crops,
        number=number,
    )


def turn(source: str, question: str = "what?", answer: str = "that.", *pictures: Picture, **more: object) -> Turn:
    return Turn(source=source, kind="ask", question=question, pictures=pictures, answer=answer, **more)


def claim(
    text: str = "what is this?", *pictures: Picture, kind: JobKind = JobKind.ASK, source: str = "now", revision: int = 0
) -> Claim:
    job = Job(conversation=HERE, source=source, revision=revision, kind=kind, text=text)
    return Claim(job=job, pictures=pictures)


def conversation(*turns: Turn) -> Conversation:
    return Conversation(id=HERE, turns=turns)


def from_memory(stored: dict[str, bytes]) -> Callable[[Picture], Awaitable[bytes]]:
    async def load(wanted: Picture) -> bytes:
        if wanted.digest not in stored:
            raise PictureGone(number=wanted.number)
        return stored[wanted.digest]

    return load


def dialogue(
    question: str,
    *pictures: Picture,
    turns: tuple[Turn, ...] = (),
    stored: dict[str, bytes] | None = None,
    source: str = "now",
    sampling: Sampling = Sampling(),  # noqa: B008 - frozen
) -> Dialogue:
    return Dialogue(
        job=JobId(tenant_key=HERE.tenant_key, source=source),
        conversation=HERE,
        epoch=0,
        turns=turns,
        kind=JobKind.ASK,
        question=question,
        pictures=pictures,
        sampling=sampling,
        load_picture=from_memory(stored or {}),
    )
