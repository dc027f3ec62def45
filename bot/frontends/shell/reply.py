"""Replies in a terminal: to the question of this process, and to those of earlier ones that were killed."""

from collections.abc import Iterator
from contextlib import contextmanager

from bot.errors import PlaceGone
from bot.frontend import Posted
from bot.frontends.shell.outcome import Failure, Outcome, SeenPicture
from bot.frontends.shell.terminal import Terminal
from jobs import Cancelled, ConversationStore, Done, Failed, Job, Usage

_PRINTED: Posted = ("printed",)  # there are no message ids in a terminal
_LONGEST_QUOTE = 60  # characters of an earlier question


class ShellReply:
    """The reply to what this process asked: words as they come, then the outcome."""

    def __init__(self, job: Job, *, terminal: Terminal, conversations: ConversationStore, as_json: bool) -> None:
        self.outcome: Outcome | None = None
        self.unwritten = ""  # why standard output did not take it
        self._job = job
        self._terminal = terminal
        self._conversations = conversations
        self._as_json = as_json
        self._speaking = False
        self._written = ""

    async def show(self, text: str, *, progress: bool) -> Posted:
        """How things stand, then the words; where nobody watches, the end has it all."""
        if progress:
            self._terminal.status(text)
        elif self._terminal.is_watched and not self._as_json:
            with self._told():
                await self._write(text.strip())
        return ()

    async def attach(self, name: str, content: bytes) -> Posted:  # noqa: ARG002  see below
        """Nothing: a terminal takes an answer of any length."""
        return ()

    async def finish(self, done: Done) -> Posted:
        """The rest of the answer, then the notices."""
        return await self._end(done.text, notices=done.notices, usage=done.usage)

    async def fail(self, ending: Failed | Cancelled, sentence: str) -> Posted:
        """What there is of the answer, and why there is no more."""
        if isinstance(ending, Cancelled):
            return await self._end(ending.text, failure=Failure(code=ending.reason, sentence=sentence))
        failure = Failure(code=ending.code, sentence=sentence)
        return await self._end("", notices=ending.notices, failure=failure)

    async def _end(
        self,
        answer: str,
        *,
        notices: tuple[str, ...] = (),
        usage: Usage | None = None,
        failure: Failure | None = None,
    ) -> Posted:
        conversation = await self._conversations.load(self._job.conversation)
        outcome = Outcome(
            answer=answer,
            pictures=tuple(SeenPicture.of(picture) for turn in conversation.turns for picture in turn.pictures),
            notices=notices,
            usage=usage or Usage(),
            job=str(self._job.id),
            conversation=str(self._job.conversation),
            failure=failure,
        )
        self._terminal.clear_status()
        with self._told():
            if self._as_json:
                self._terminal.answer(outcome.as_json(escaped=not self._terminal.writes_everything), end="\n")
            else:
                await self._print(outcome)
        self.outcome = outcome
        return _PRINTED

    async def _print(self, outcome: Outcome) -> None:
        await self._write(outcome.answer)
        if self._written:
            self._terminal.answer("", end="\n")
        for notice in outcome.notices:
            self._terminal.note(f"Note: {notice}")
        if outcome.failure is not None:
            self._terminal.note(outcome.failure.sentence, style="red")
        self._hush()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Where the output is full or closed, nothing can be written there any more.

        Raises:
            PlaceGone: that.
        """
        try:
            yield
        except OSError as error:
            self.unwritten = error.strerror or str(error)
            self._hush()
            raise PlaceGone(reason=self.unwritten) from error

    def _hush(self) -> None:
        """Others may speak."""
        if self._speaking:
            self._terminal.voice.release()
            self._speaking = False

    async def _write(self, text: str) -> None:
        """What is new of the text; all of it, on a new line, where it no longer continues what stands there."""
        if not self._speaking:
            await self._terminal.voice.acquire()
            self._speaking = True
        continues = text.startswith(self._written)
        self._terminal.answer(text[len(self._written) :] if continues else f"\n{text}")
        self._written = text


class EarlierReply:
    """The reply to a question of an earlier shell, which was killed before its answer was there: told whole, once."""

    def __init__(self, job: Job, *, terminal: Terminal) -> None:
        self.job = job
        self.telling = False
        self._terminal = terminal

    async def show(self, text: str, *, progress: bool) -> Posted:  # noqa: ARG002  see below
        """Nothing: whoever sits there now has asked something else."""
        return ()

    async def attach(self, name: str, content: bytes) -> Posted:  # noqa: ARG002  see below
        """Nothing: a terminal takes an answer of any length."""
        return ()

    async def finish(self, done: Done) -> Posted:
        """The answer with its notices."""
        return await self._tell("\n".join((done.text, *(f"Note: {notice}" for notice in done.notices))))

    async def fail(self, ending: Failed | Cancelled, sentence: str) -> Posted:  # noqa: ARG002  the sentence says it
        """Why there is none."""
        return await self._tell(sentence)

    async def _tell(self, text: str) -> Posted:
        self.telling = True
        async with self._terminal.voice:
            self._terminal.note(f"Answer to your earlier question ({_quoted(self.job)}): {text}", style="")
        return _PRINTED


def _quoted(job: Job) -> str:
    words = job.text or job.kind.value
    return words if len(words) <= _LONGEST_QUOTE else f"{words[:_LONGEST_QUOTE]}..."
