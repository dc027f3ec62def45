"""The bot in the small Slack: real bolt over real sockets, the store in memory, a worker that does what a test says."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

import msgspec
import pytest

from bot.app import open_chat
from bot.frontends.slack import Credentials, Slack
from bot.responder import Responder
from bot.settings import BotSettings
from jobs import Cancelled, Claim, ConversationStore, Delta, Done, Turn
from jobs.errors import QueueFull, RestsOnForgotten
from jobs.memory import MemoryJobs, open_memory
from jobs.settings import StoreSettings
from tests.bot.frontends.slack.people import People
from tests.bot.frontends.slack.ports import free_port, is_listening
from tests.bot.frontends.slack.server import APP_TOKEN, SIGNING_SECRET, SlackServer, eventually, open_server

LEASE_S = 2.0
over_both = pytest.mark.parametrize("transport", ["socket", "http"], indirect=True)


@dataclass
class Bot:
    """One bot process."""

    slack: Slack
    responder: Responder
    running: "asyncio.Task[None]"


OpenBot = Callable[..., AbstractAsyncContextManager[Bot]]


@dataclass
class Worker:
    """Answers what it is asked: what it was asked, and which pictures it knows.

    `words` are said one by one instead, `hold` stops before the last of them.
    """

    jobs: MemoryJobs
    words: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    hold: asyncio.Event = field(default_factory=asyncio.Event)
    pause_s: float = 0.0
    answered: list[Claim] = field(default_factory=list)

    async def run(self) -> None:
        claims: set[asyncio.Task[None]] = set()
        while True:
            for claim in await self.jobs.queue_out.claim(worker="w", room=16, wait_s=0.5):
                task = asyncio.create_task(self._answer(claim))
                claims.add(task)
                task.add_done_callback(claims.discard)

    async def _answer(self, claim: Claim) -> None:
        beating = asyncio.create_task(self._beat(claim))
        try:
            text = await self._say(claim)
            text = text or await _describe(claim, self.jobs.conversations)
            self.answered.append(claim)
            known = await self.jobs.conversations.load(claim.job.conversation)
            brought = enumerate(known.leaves(claim.job.source, claim.pictures), len(known.pictures) + 1)
            pictures = (msgspec.structs.replace(one, number=number) for number, one in brought)
            turn = Turn(
                source=claim.job.source,
                revision=claim.job.revision,
                kind=claim.job.kind,
                question=claim.job.text,
                pictures=tuple(pictures),
                answer=text,
                asker=claim.job.asker,
            )
            await self.jobs.queue_out.commit(claim, Done(text=text, notices=(*claim.notices, *self.notices)), turn)
        except RestsOnForgotten as error:
            await self._answer(msgspec.structs.replace(claim, epoch=error.epoch))
        finally:
            beating.cancel()

    async def _say(self, claim: Claim) -> str:
        said = ""
        for number, word in enumerate(self.words, start=1):
            if number == len(self.words):
                await self.hold.wait()
            await self.jobs.queue_out.publish(claim, Delta(attempt=claim.attempt, offset=len(said), text=word))
            said += word
            await asyncio.sleep(self.pause_s)
        return said

    async def _beat(self, claim: Claim) -> None:
        while True:
            pulse = await self.jobs.queue_out.heartbeat(worker="w", claims=[claim])
            for cancellation in pulse.cancellations:
                await self.jobs.queue_out.commit(claim, Cancelled(reason=cancellation.reason, text=self.words[0]))
            await asyncio.sleep(0.05)


async def _describe(claim: Claim, conversations: ConversationStore) -> str:
    earlier = [
        picture for turn in (await conversations.load(claim.job.conversation)).turns for picture in turn.pictures
    ]
    names = dict.fromkeys(picture.name for picture in (*earlier, *claim.pictures))
    return f"{claim.job.kind}: {claim.job.text} [{', '.join(names)}]"


@pytest.fixture(autouse=True)
def edit_interval_s(monkeypatch: pytest.MonkeyPatch) -> None:
    """Edits follow each other at once; the tiers are kept all the same."""
    monkeypatch.setattr(Slack, "edit_interval_s", 0.01)


@pytest.fixture
async def slack() -> AsyncIterator[SlackServer]:
    async with open_server() as server:
        yield server


@pytest.fixture
def people(slack: SlackServer) -> People:
    """Of the first workspace, with a channel C1 that the bot is in and a direct message D1."""
    team = slack.add_team("T1")
    team.add_channel("C1")
    team.add_channel("D1")
    return People(slack, team)


@pytest.fixture
def jobs() -> MemoryJobs:
    return open_memory(StoreSettings(lease_s=LEASE_S))


@pytest.fixture
async def worker(jobs: MemoryJobs) -> AsyncIterator[Worker]:
    worker = Worker(jobs)
    running = asyncio.create_task(worker.run())
    yield worker
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


@pytest.fixture
def refuse(jobs: MemoryJobs, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Has the next question find the queue full, or meet another error."""
    submit = type(jobs.queue_in).submit
    refusals: list[Exception] = []

    async def submit_or_refuse(queue: object, *arguments: object, **options: object) -> object:
        if refusals:
            raise refusals.pop()
        return await submit(queue, *arguments, **options)  # type: ignore[arg-type]  # whatever it was called with

    monkeypatch.setattr(type(jobs.queue_in), "submit", submit_or_refuse)

    def refuse_next(error: Exception | None = None) -> None:
        refusals.append(error or QueueFull(limit=1))

    return refuse_next


@pytest.fixture
def open_bot(slack: SlackServer, jobs: MemoryJobs) -> OpenBot:
    """Starts a bot process; leaving the context is its death: nothing is closed in the ledger."""

    @asynccontextmanager
    async def start(*, http_port: int | None = None, **settings: object) -> AsyncIterator[Bot]:
        credentials = Credentials(
            bot_token="xoxb-T1",
            app_token="" if http_port else APP_TOKEN,
            signing_secret=SIGNING_SECRET,
            http_port=http_port,
            api_url=slack.api_url,
        )
        front = Slack(credentials, jobs)
        read = BotSettings.model_validate({"user_burst": 1000, "tenant_burst": 1000, **settings})
        async with open_chat(read, jobs, frontends=[front], lease_s=LEASE_S) as responder:
            running = asyncio.create_task(front.run(responder))
            await eventually(
                lambda: running.done() or (slack.is_connected if http_port is None else is_listening(http_port))
            )
            try:
                yield Bot(front, responder, running)
            finally:
                running.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await running
                await front.close()

    return start


@pytest.fixture
def transport(request: pytest.FixtureRequest) -> str:
    """How events come: through a socket where a test does not say otherwise."""
    return str(getattr(request, "param", "socket"))


@pytest.fixture
async def bot(
    open_bot: OpenBot, worker: Worker, people: People, slack: SlackServer, transport: str
) -> AsyncIterator[Bot]:
    port = free_port() if transport == "http" else None
    slack.request_url = f"http://127.0.0.1:{port}/slack/events" if port else ""
    async with open_bot(http_port=port) as bot:
        yield bot
