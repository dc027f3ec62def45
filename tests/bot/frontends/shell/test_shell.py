import asyncio
import io
import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from rich.console import Console

import bot.delivery
from bot.app import open_chat
from bot.errors import AnswerPending
from bot.frontends.shell import Outcome, Question, Shell, new_conversation, read_reference
from bot.responder import Responder
from bot.settings import BotSettings
from jobs import ConversationId, JobKind
from jobs.memory import MemoryJobs
from tests.bot.conftest import LEASE_S
from tests.bot.fakes import FakeWorker, eventually
from tests.bot.pictures import halves, png


@dataclass
class Terminal:
    """One run of the shell, and what it printed."""

    shell: Shell
    responder: Responder
    out: io.StringIO
    err: io.StringIO

    async def ask(
        self, text: str, *pictures: Path, conversation: ConversationId | None = None, kind: JobKind = JobKind.ASK
    ) -> Outcome:
        references = tuple(read_reference(str(picture), spool=Path("/nowhere")) for picture in pictures)
        question = Question(text=text, pictures=references, conversation=conversation, kind=kind)
        async with asyncio.timeout(10):
            return await self.shell.ask(self.responder, question)


OpenTerminal = Callable[..., AbstractAsyncContextManager[Terminal]]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bot.delivery, "_POSITION_INTERVAL_S", 0.02)


@pytest.fixture
def open_terminal(jobs: MemoryJobs) -> OpenTerminal:
    @asynccontextmanager
    async def start(*, watched: bool = False, as_json: bool = False) -> AsyncIterator[Terminal]:
        out, err = io.StringIO(), io.StringIO()
        shell = Shell(
            out=Console(file=out, force_terminal=watched, width=100, color_system=None),
            err=Console(file=err, force_terminal=watched, width=100, color_system=None),
            conversations=jobs.conversations,
            as_json=as_json,
        )
        async with open_chat(BotSettings(), jobs, frontends=[shell], lease_s=LEASE_S) as responder:
            yield Terminal(shell, responder, out, err)

    return start


@pytest.fixture
async def terminal(open_terminal: OpenTerminal) -> AsyncIterator[Terminal]:
    async with open_terminal() as terminal:
        yield terminal


@pytest.fixture
def flag(tmp_path: Path) -> Path:
    path = tmp_path / "flag.png"
    path.write_bytes(png())
    return path


async def test_standard_output_is_the_answer_and_nothing_else(
    terminal: Terminal, worker: FakeWorker, flag: Path, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("no picture")
    asking = asyncio.create_task(terminal.ask("what is this?", flag, tmp_path / "notes.txt"))
    await worker.answer("A flag: [bold]red[/bold] and blue :smile:")
    outcome = await asking
    assert terminal.out.getvalue() == "A flag: [bold]red[/bold] and blue :smile:\n"
    assert terminal.err.getvalue() == "Note: notes.txt skipped: it is a text file, not a picture.\n"
    assert (outcome.answer, outcome.failure) == ("A flag: [bold]red[/bold] and blue :smile:", None)
    assert [(picture.number, picture.name) for picture in outcome.pictures] == [(1, "flag.png")]


async def test_words_appear_while_they_are_written(open_terminal: OpenTerminal, worker: FakeWorker) -> None:
    async with open_terminal(watched=True) as terminal:
        asking = asyncio.create_task(terminal.ask("what can you do?"))
        claim = await worker.claim()
        await worker.say(claim, "Look")
        await eventually(lambda: terminal.out.getvalue() == "Look")
        await worker.say(claim, " at pictures", after="Look")
        await eventually(lambda: terminal.out.getvalue() == "Look at pictures")
        await worker.finish(claim, "Look at pictures.")
        await asking
        assert terminal.out.getvalue() == "Look at pictures.\n"


async def test_whoever_watches_sees_how_things_stand(open_terminal: OpenTerminal) -> None:
    async with open_terminal(watched=True) as terminal:
        asking = asyncio.create_task(terminal.ask("what can you do?"))
        await eventually(lambda: "Next in line" in terminal.err.getvalue())
        assert terminal.out.getvalue() == ""
        asking.cancel()
        with suppress(asyncio.CancelledError):
            await asking


async def test_json_is_one_object_with_everything(open_terminal: OpenTerminal, worker: FakeWorker, flag: Path) -> None:
    async with open_terminal(as_json=True, watched=True) as terminal:
        asking = asyncio.create_task(terminal.ask("what is this?", flag))
        claim = await worker.claim()
        await worker.say(claim, "A fl")
        await worker.finish(claim, "A flag.")
        outcome = await asking
    printed = json.loads(terminal.out.getvalue())
    assert terminal.out.getvalue().count("\n") == 1
    assert printed["answer"] == "A flag."
    assert printed["pictures"] == [{"number": 1, "name": "flag.png", "width": 120, "height": 80}]
    assert printed["conversation"] == outcome.conversation
    assert printed["job"] == str(claim.job.id)
    assert set(printed) == {"answer", "pictures", "notices", "usage", "job", "conversation", "failure"}
    assert printed["failure"] is None


async def test_a_question_about_no_picture_at_all_fails_in_words(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no picture")
    outcome = await terminal.ask("what is this?", tmp_path / "notes.txt")
    sentence = "notes.txt skipped: it is a text file, not a picture. No picture is left to answer about."
    assert (outcome.failure.code, outcome.failure.sentence) == ("nothing_to_see", sentence)
    assert terminal.out.getvalue() == ""
    assert terminal.err.getvalue() == f"{sentence}\n"


async def test_asking_nothing_fails_in_words(terminal: Terminal) -> None:
    outcome = await terminal.ask("")
    assert outcome.failure.code == "nothing_asked"
    assert terminal.err.getvalue().startswith("Nothing was asked.")


async def test_the_same_picture_in_a_follow_up_is_the_same_picture(
    open_terminal: OpenTerminal, worker: FakeWorker, flag: Path, tmp_path: Path
) -> None:
    (tmp_path / "other.png").write_bytes(png(halves(40, 40)))
    where = new_conversation()
    async with open_terminal() as terminal:
        first = asyncio.create_task(terminal.ask("what is this?", flag, conversation=where))
        before = await worker.answer("A flag.")
        await first
    async with open_terminal() as terminal:
        second = asyncio.create_task(
            terminal.ask("and which is larger?", flag, tmp_path / "other.png", conversation=where)
        )
        after = await worker.answer("The first.")
        outcome = await second
    assert after.pictures[0].digest == before.pictures[0].digest
    assert [(picture.number, picture.name) for picture in outcome.pictures] == [(1, "flag.png"), (2, "other.png")]


async def test_ctrl_c_takes_the_question_back_and_prints_nothing_more(
    open_terminal: OpenTerminal, worker: FakeWorker, jobs: MemoryJobs
) -> None:
    async with open_terminal(watched=True) as terminal:
        asking = asyncio.create_task(terminal.ask("what can you do?"))
        claim = await worker.claim()
        await worker.say(claim, "Look")
        await eventually(lambda: terminal.out.getvalue() == "Look")
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        (cancelled,) = (await jobs.queue_out.heartbeat(worker="worker", claims=[claim])).cancellations
        await worker.finish(claim, "Look at pictures.")
        await asyncio.sleep(0.05)
        assert terminal.out.getvalue() == "Look"
    assert (cancelled.job, cancelled.reason) == (claim.job.id, "stopped")
    jobs.clock.advance(LEASE_S + 1)
    async with open_terminal() as later:
        await asyncio.sleep(0.05)
        assert "earlier" not in later.err.getvalue()


async def test_the_answer_that_a_killed_shell_owes_is_told_once_by_the_next(
    open_terminal: OpenTerminal, worker: FakeWorker, jobs: MemoryJobs
) -> None:
    async with open_terminal() as killed:
        lost = asyncio.create_task(killed.responder.respond(killed.shell._read(Question(text="who wrote it?"))))
        await lost
        claim = await worker.claim()
    await worker.finish(claim, "Ann Leckie.")
    jobs.clock.advance(LEASE_S + 1)
    async with open_terminal() as terminal:
        asking = asyncio.create_task(terminal.ask("what can you do?"))
        await eventually(lambda: "earlier" in terminal.err.getvalue())
        await worker.answer("Look at pictures.")
        await asking
        assert terminal.err.getvalue() == "Answer to your earlier question (who wrote it?): Ann Leckie.\n"
        assert terminal.out.getvalue() == "Look at pictures.\n"
    jobs.clock.advance(LEASE_S + 1)
    async with open_terminal() as later:
        await asyncio.sleep(0.05)
        assert later.err.getvalue() == ""


async def test_an_earlier_answer_never_breaks_into_one_that_is_being_written(
    open_terminal: OpenTerminal, worker: FakeWorker, jobs: MemoryJobs
) -> None:
    async with open_terminal() as killed:
        await killed.responder.respond(killed.shell._read(Question(text="who wrote it?")))
        earlier = await worker.claim()
    jobs.clock.advance(LEASE_S + 1)
    async with open_terminal(watched=True) as terminal:
        asking = asyncio.create_task(terminal.ask("what can you do?"))
        claim = await worker.claim()
        await worker.say(claim, "Look")
        await eventually(lambda: terminal.out.getvalue() == "Look")
        await jobs.reaper.reap()  # the clock has moved past the worker's lease too
        earlier = await FakeWorker(jobs, name="worker 2").claim()
        await worker.finish(earlier, "Ann Leckie.")
        await asyncio.sleep(0.05)
        assert "Ann Leckie" not in terminal.err.getvalue()
        await worker.finish(claim, "Look at pictures.")
        await asking
        assert "Ann Leckie" in terminal.err.getvalue()


async def test_an_answer_that_another_process_shows_is_said_to_be_pending(
    open_terminal: OpenTerminal, jobs: MemoryJobs
) -> None:
    async with open_terminal() as terminal:
        asking = asyncio.create_task(terminal.ask("what can you do?"))
        await eventually(lambda: terminal.responder._custody._held)
        jobs.clock.advance(LEASE_S + 1)
        await jobs.replies.adopt(holder="another", platforms=["shell"])
        await terminal.responder._custody.renew()
        with pytest.raises(AnswerPending):
            await asking


async def test_two_shells_at_once_do_not_disturb_each_other(open_terminal: OpenTerminal, worker: FakeWorker) -> None:
    async with open_terminal() as one, open_terminal() as other:
        asking = [asyncio.create_task(one.ask("first")), asyncio.create_task(other.ask("second"))]
        for _ in asking:
            claim = await worker.claim()
            await worker.finish(claim, f"answer to {claim.job.text}")
        await asyncio.gather(*asking)
    assert (one.out.getvalue(), other.out.getvalue()) == ("answer to first\n", "answer to second\n")


async def test_an_answer_can_do_nothing_to_the_terminal(terminal: Terminal, worker: FakeWorker) -> None:
    asking = asyncio.create_task(terminal.ask("what can you do?"))
    await worker.answer("\x1b[2JAll\x07 gone\r\x9b31m?\n\tno")
    await asking
    assert terminal.out.getvalue() == "[2JAll gone31m?\n\tno\n"


async def test_of_a_question_that_is_no_text_the_rest_is_asked(terminal: Terminal, worker: FakeWorker) -> None:
    asking = asyncio.create_task(terminal.ask(os.fsdecode(b"what is a caf\xe9 for?")))
    claim = await worker.claim()
    await worker.finish(claim, "Coffee.")
    await asking
    assert claim.job.text == "what is a caf\ufffd for?"


async def test_every_task_is_asked_for_as_such(terminal: Terminal, worker: FakeWorker, flag: Path) -> None:
    asking = asyncio.create_task(terminal.ask("", flag, kind=JobKind.OCR))
    claim = await worker.answer("SALE")
    await asking
    assert (claim.job.kind, claim.pictures[0].max_crops) == (JobKind.OCR, 16)
    assert claim.job.conversation.tenant_key == "shell:local"
