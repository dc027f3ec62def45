"""A platform and a worker that do what a test says."""

import asyncio
import itertools
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass

import msgspec

from bot.errors import NotPosted, PlaceGone, Unfetchable
from bot.frontend import Posted
from bot.mention import Mention
from bot.responder import Responder
from jobs import (
    Cancelled,
    Claim,
    ConversationId,
    Delta,
    Done,
    Ending,
    Failed,
    Job,
    JobKind,
    PictureRef,
    Turn,
)
from jobs.stores import Jobs

_numbers = itertools.count(1)


class FakePlatform:
    """`Frontend` of a platform with messages that can be edited, and with all the moods of a real one."""

    platform = "fake"

    def __init__(self, *, edit_interval_s: float = 0.0, most_characters: int | None = None) -> None:
        self.edit_interval_s = edit_interval_s
        self.most_characters = most_characters
        self.files: dict[str, bytes | Exception] = {}
        self.fetched: list[str] = []
        self.fetching = 0  # files on their way
        self.messages: dict[str, str] = {}  # what stands there now, by message id
        self.history: list[tuple[float, str]] = []  # every text shown, with the loop's time
        self.endings: list[Ending] = []
        self.uploads: dict[str, bytes] = {}
        self.moods: list[Exception | None] = []  # what the next posts and edits meet with; then all is well
        self.hangs_s = 0.0  # how long the next post or edit takes before it takes effect
        self.no_files = False  # it takes none, however often it is asked
        self.losing = 0  # how many posts and edits take effect without the bot hearing of it
        self.is_closed = False  # the thread is gone
        self.slots: dict[str, str] = {}  # message id by nonce
        self.piece_bytes = 1000
        self.pause_s = 0.0  # between two pieces of a file
        self.running = asyncio.Event()

    async def run(self, _: Responder) -> None:
        self.running.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.running.clear()

    async def fetch(self, ref: PictureRef) -> AsyncGenerator[bytes, None]:
        self.fetched.append(ref.origin)
        content = self.files.get(ref.origin, Unfetchable(reason="it was deleted"))
        if isinstance(content, Exception):
            raise content
        self.fetching += 1
        try:
            for start in range(0, len(content), self.piece_bytes):
                await asyncio.sleep(self.pause_s)
                yield content[start : start + self.piece_bytes]
        finally:
            self.fetching -= 1

    def reply(self, job: Job, posted: Sequence[str]) -> "FakeReply":
        return FakeReply(self, job, tuple(posted))

    @property
    def texts(self) -> list[str]:
        return list(self.messages.values())

    async def hang(self) -> None:
        hangs_s, self.hangs_s = self.hangs_s, 0.0
        await asyncio.sleep(hangs_s)

    def meet_mood(self) -> None:
        if self.is_closed:
            raise PlaceGone(reason="the thread was deleted")
        if self.moods and (mood := self.moods.pop(0)) is not None:
            raise mood


@dataclass
class FakeReply:
    """One message: posted under the job's nonce, edited from then on."""

    platform: FakePlatform
    job: Job
    posted: Posted = ()

    async def show(self, text: str, *, progress: bool) -> Posted:
        await self.platform.hang()
        return self._put(f"[{text}]" if progress else text)

    async def attach(self, name: str, content: bytes) -> Posted:
        self.platform.meet_mood()
        if self.platform.no_files:
            raise NotPosted(reason="no permission to attach files")
        self.platform.uploads[name] = content
        return self.posted

    async def finish(self, done: Done) -> Posted:
        await self.platform.hang()
        posted = self._put("\n".join((done.text, *done.notices)))
        self.platform.endings.append(done)
        return posted

    async def fail(self, ending: Failed | Cancelled, sentence: str) -> Posted:
        posted = self._put("\n".join((*([ending.text] if isinstance(ending, Cancelled) else []), sentence)))
        self.platform.endings.append(ending)
        return posted

    def _put(self, text: str) -> Posted:
        platform = self.platform
        platform.meet_mood()
        if not self.posted:
            nonce = str(self.job.id)
            self.posted = (platform.slots.setdefault(nonce, f"m{next(_numbers)}"),)
        platform.messages[self.posted[0]] = text
        platform.history.append((asyncio.get_running_loop().time(), text))
        if platform.losing:
            platform.losing -= 1
            self.posted = ()
            raise lost_post()
        return self.posted


def lost_post() -> NotPosted:
    return NotPosted(reason="503")


def conversation(thread: str = "") -> ConversationId:
    return ConversationId(platform="fake", tenant="T1", channel="C1", thread=thread or f"t{next(_numbers)}")


def mention(
    text: str = "what is this?",
    *origins: str,
    where: ConversationId | None = None,
    source: str = "",
    revision: int = 0,
    kind: JobKind = JobKind.ASK,
    asker: str = "ann",
) -> Mention:
    return Mention(
        conversation=where or conversation(),
        source=source or f"s{next(_numbers)}",
        revision=revision,
        asker=asker,
        kind=kind,
        text=text,
        references=tuple(PictureRef(platform="fake", origin=origin, name=origin) for origin in origins),
    )


@dataclass
class FakeWorker:
    """The other side: claims, says words, ends."""

    jobs: Jobs
    name: str = "worker"

    async def claim(self) -> Claim:
        claims = await self.jobs.queue_out.claim(worker=self.name, room=1, wait_s=5.0)
        assert claims, "nothing became claimable"
        return claims[0]

    async def say(self, claim: Claim, text: str, *, after: str = "") -> None:
        await self.jobs.queue_out.publish(claim, Delta(attempt=claim.attempt, offset=len(after), text=text))

    async def finish(self, claim: Claim, text: str) -> None:
        """Done, with the pictures numbered into the history."""
        earlier = await self.jobs.conversations.load(claim.job.conversation)
        last = max((picture.number for picture in (*earlier.pictures, *earlier.dropped)), default=0)
        known = {picture.digest for picture in earlier.pictures}
        new = [picture for picture in claim.pictures if picture.digest not in known]
        numbered = tuple(
            msgspec.structs.replace(picture, number=number) for number, picture in enumerate(new, start=last + 1)
        )
        turn = Turn(
            source=claim.job.source, kind=claim.job.kind, question=claim.job.text, pictures=numbered, answer=text
        )
        await self.jobs.queue_out.commit(claim, Done(text=text, notices=claim.notices), turn)

    async def answer(self, text: str) -> Claim:
        claim = await self.claim()
        await self.finish(claim, text)
        return claim


async def eventually(condition: Callable[[], object], *, within_s: float = 5.0) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(within_s):
        while not condition():
            await asyncio.sleep(0.005)
