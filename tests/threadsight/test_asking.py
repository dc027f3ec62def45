"""The whole way from a command to the built-in model and back, in real processes."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import IO

import pytest

from jobs.redis import open_redis
from jobs.settings import StoreSettings
from tests.threadsight.processes import eventually, is_alive, is_idle, read_pid
from threadsight.valkey import open_valkey

COMMAND = Path(sys.executable).with_name("threadsight")
PICTURES = Path(__file__).parents[2] / "examples" / "pictures"
COVER = "cover_forest.png"
TITLE = "Help me get the title and author information of this book?"


class Install:
    """An install of its own, whose worker lingers between the questions of this file."""

    def __init__(self, home: Path) -> None:
        self.home = home
        ours = ("WORKER_", "BOT_", "QUEUE_", "REDIS_", "THREADSIGHT_")
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        self.environment |= {"THREADSIGHT_HOME": str(home), "WORKER_THREADS": "1"}

    def start(
        self, *words: str, stdin: IO[bytes] | None = None, settings: Mapping[str, str] = MappingProxyType({})
    ) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [COMMAND, *words],
            cwd=PICTURES,
            env={**self.environment, **settings},
            stdin=stdin or subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str, **settings: str) -> tuple[int, str, str]:
        """Exit code, standard output, standard error."""
        process = self.start(*words, settings=settings)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    def is_asked(self) -> bool:
        """Whether a question waits for the worker."""

        async def look(url: str) -> int:
            async with open_redis(url, StoreSettings()) as stores:
                return (await stores.monitor.health()).waiting

        with open_valkey(self.home) as valkey:
            return asyncio.run(look(valkey.url)) > 0


@pytest.fixture(scope="module")
def install(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Install]:
    install = Install(tmp_path_factory.mktemp("install"))
    yield install
    for service in ("worker", "valkey"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            os.kill(read_pid(install.home / service / "keeper.pid"), signal.SIGTERM)
        assert eventually(lambda service=service: is_idle(install.home / service))  # type: ignore[misc]


def test_a_question_is_answered_and_its_follow_up_finds_the_worker_still_there(install: Install) -> None:
    code, answer, said = install.run("ask", COVER, TITLE)
    assert (code, said) == (0, "")
    assert answer == 'The title of the book is "Secret Forest" and the author is David Hill.\n'
    worker = read_pid(install.home / "worker" / "process.pid")
    code, answer, _ = install.run("ask", "-f", "--json", "What color is the cover?")
    assert code == 0
    outcome = json.loads(answer)
    assert outcome["answer"] == "The cover is purple."
    assert outcome["usage"]["cached_tokens"] > 0
    assert read_pid(install.home / "worker" / "process.pid") == worker


def test_a_picture_may_come_through_standard_input(install: Install) -> None:
    with (PICTURES / COVER).open("rb") as picture:
        process = install.start("ask", "-", "What color is the cover?", stdin=picture)
    out, _ = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, "The cover is purple.\n")


def test_two_commands_at_once_share_one_worker(install: Install) -> None:
    first, second = (install.start("ask", COVER, "What color is the cover?") for _ in range(2))
    answers = [process.communicate(timeout=60)[0] for process in (first, second)]
    assert answers == ["The cover is purple.\n"] * 2
    assert is_alive(read_pid(install.home / "worker" / "process.pid"))


def test_an_answer_is_as_long_as_it_may_be(install: Install) -> None:
    code, answer, _ = install.run("ask", "--json", "--max-tokens", "2", COVER, TITLE)
    assert code == 0
    assert json.loads(answer)["usage"]["new_tokens"] == 2


def test_a_file_that_is_no_picture_is_refused_and_f_still_continues_what_was_answered(install: Install) -> None:
    install.run("ask", COVER, "What color is the cover?")
    code, out, said = install.run("ask", __file__, "What is this?")
    assert (code, out) == (65, "")
    assert "it is a text file, not a picture" in said
    assert install.run("ask", "-f", "What color is the cover?")[1] == "The cover is purple.\n"


def test_a_conversation_that_is_not_kept_any_more_is_not_continued(install: Install) -> None:
    install.run("ask", COVER, "What color is the cover?")
    named = install.home / "last_conversation"
    before = named.read_text()
    named.write_text(before[:-4] + "0000")
    code, out, said = install.run("ask", "-f", "What color is the cover?")
    assert (code, out, said) == (65, "", "The last conversation is not kept any more. Ask about a picture first.\n")
    named.write_text(before)


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_an_answer_that_cannot_be_written_is_no_success(install: Install, words: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [COMMAND, "ask", *words, COVER, "What color is the cover?"],
            cwd=PICTURES,
            env=install.environment,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )
    assert ended.returncode == 1
    assert ended.stderr == "The answer could not be written (No space left on device).\n"


def test_words_that_the_terminal_has_no_letters_for_do_not_end_the_answer(install: Install, tmp_path: Path) -> None:
    cover = tmp_path / "\u65e5\u672c.png"
    cover.write_bytes((PICTURES / COVER).read_bytes())
    code, out, said = install.run("ask", "--json", str(cover), "What color is the cover?", PYTHONIOENCODING="latin-1")
    assert (code, said) == (0, "")
    assert json.loads(out)["pictures"][0]["name"] == cover.name


def test_a_folder_that_holds_no_model_is_named_and_the_next_question_is_answered(install: Install) -> None:
    code, out, said = install.run("ask", COVER, TITLE, WORKER_MODEL=str(install.home))
    assert (code, out) == (78, "")
    assert "config.json" in said
    assert said.count("\n") == 1
    assert install.run("ask", COVER, "What color is the cover?")[:2] == (0, "The cover is purple.\n")


def test_a_worker_that_is_given_up_is_not_waited_for(install: Install) -> None:
    install.run("ask", COVER, "What color is the cover?")
    folder = install.home / "worker"
    worker = read_pid(folder / "process.pid")
    os.kill(worker, signal.SIGSTOP)  # there, as far as anybody can tell, and nothing comes of it
    try:
        asking = install.start("ask", COVER, "What color is the cover?")
        assert eventually(install.is_asked, patience_s=30.0)
        (folder / "failure").write_text("ended 5 times")
        out, said = asking.communicate(timeout=30)
    finally:
        (folder / "failure").unlink(missing_ok=True)
        os.kill(worker, signal.SIGCONT)
    assert (asking.returncode, out) == (78, "")
    assert said.startswith("The worker does not run: ")


@pytest.mark.usefixtures("heeded")
def test_ctrl_c_ends_a_command_without_a_word(install: Install) -> None:
    process = install.start("up")
    assert process.stdout
    assert process.stdout.readline().startswith("Model      tiny")
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=10)
    assert (process.returncode, said) == (0, "")


def test_nothing_that_was_asked_is_readable_by_others(install: Install) -> None:
    assert install.home.stat().st_mode & 0o077 == 0


def test_the_worker_ends_by_itself_some_time_after_the_last_question(install: Install) -> None:
    code, *_ = install.run("ask", COVER, "What color is the cover?", THREADSIGHT_WORKER_LINGER_S="0.5")
    assert code == 0
    left = time.monotonic()
    assert eventually(lambda: is_idle(install.home / "worker"))
    assert eventually(lambda: is_idle(install.home / "valkey"))
    assert time.monotonic() - left < 5
