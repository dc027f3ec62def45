"""The shell as a front end: its questions come from `ask`, one at a time."""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress

import msgspec
from rich.console import Console

from bot.errors import AnswerPending, AnswerUnwritten
from bot.frontend import Reply
from bot.frontends.shell.outcome import Outcome
from bot.frontends.shell.reference import PLATFORM, fetch_reference, legible
from bot.frontends.shell.reply import EarlierReply, ShellReply
from bot.frontends.shell.terminal import Terminal
from bot.mention import Mention
from bot.responder import Responder
from jobs import ConversationId, ConversationStore, Job, JobId, JobKind, PictureRef, Sampling
from jobs.errors import ThreadsightError

TENANT = "local"  # one install is one tenant
_ASKER = "owner"
_EDIT_INTERVAL_S = 0.05  # faster than anybody reads
_WITHDRAWAL_S = 2.0  # whoever pressed Ctrl-C waits no longer than this


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What a person typed, with the references of its pictures. No `conversation` begins a new one."""

    text: str = ""
    pictures: tuple[PictureRef, ...] = ()
    kind: JobKind = JobKind.ASK
    conversation: ConversationId | None = None
    sampling: Sampling = Sampling()


def new_conversation() -> ConversationId:
    """A name that no conversation of the shell has yet."""
    return ConversationId(platform=PLATFORM, tenant=TENANT, channel="terminal", thread=secrets.token_hex(8))


class Shell:
    """`Frontend`. What is printed where: see the package."""

    platform = PLATFORM
    edit_interval_s = _EDIT_INTERVAL_S
    most_characters: int | None = None

    def __init__(self, *, out: Console, err: Console, conversations: ConversationStore, as_json: bool = False) -> None:
        self._terminal = Terminal(out=out, err=err)
        self._conversations = conversations
        self._as_json = as_json
        self._asked: dict[JobId, ShellReply] = {}
        self._earlier: list[EarlierReply] = []

    async def ask(self, responder: Responder, question: Question) -> Outcome:
        """Ask, print what there is to see, and say how it ended. Cancelling it takes the question back.

        Raises:
            StoreUnavailable: nothing was asked.
            AnswerPending: it was asked, and another process will show the answer.
            AnswerUnwritten: it is answered, and standard output does not take the answer.
        """
        mention = self._read(question)
        job = mention.as_job(patience_s=0.0)
        reply = self._asked[job.id] = ShellReply(
            job, terminal=self._terminal, conversations=self._conversations, as_json=self._as_json
        )
        try:
            await responder.respond(mention)
            await responder.settled(job.id)
        except asyncio.CancelledError:
            with suppress(ThreadsightError, TimeoutError):
                async with asyncio.timeout(_WITHDRAWAL_S):
                    await responder.withdraw(job.id)
            raise
        finally:
            self._terminal.clear_status()
        for earlier in self._earlier:
            if earlier.telling:
                await responder.settled(earlier.job.id)
        if reply.unwritten:
            raise AnswerUnwritten(reason=reply.unwritten)
        if reply.outcome is None:
            raise AnswerPending
        return reply.outcome

    async def run(self, responder: Responder) -> None:
        """Nothing to listen to."""

    def fetch(self, ref: PictureRef) -> AsyncGenerator[bytes, None]:
        """A file, an address, or what came from standard input."""
        return fetch_reference(ref)

    def reply(self, job: Job, posted: Sequence[str]) -> Reply:  # noqa: ARG002  nothing stays editable in a terminal
        """To what this process asked, or to what an earlier one did."""
        if job.id in self._asked:
            return self._asked[job.id]
        earlier = EarlierReply(job, terminal=self._terminal)
        self._earlier.append(earlier)
        return earlier

    def _read(self, question: Question) -> Mention:
        return Mention(
            conversation=question.conversation or new_conversation(),
            source=secrets.token_hex(8),
            asker=_ASKER,
            kind=question.kind,
            text=legible(question.text),
            references=question.pictures,
            from_owner=True,
            sampling=question.sampling,
        )
