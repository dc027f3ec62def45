import importlib.metadata
import json
import os
import pty
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.threadsight.processes import eventually

COMMAND = Path(sys.executable).with_name("threadsight")
COVER = Path(__file__).parents[2] / "examples" / "pictures" / "cover_forest.png"


def run(*words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([COMMAND, *words], capture_output=True, text=True, check=False, timeout=60, cwd=cwd)


@pytest.fixture(autouse=True)
def _own_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THREADSIGHT_HOME", str(home))
    monkeypatch.delenv("REDIS_URL", raising=False)


def processor_time_s(*command: str | Path) -> float:
    """The least of three runs, in seconds: what else the machine does counts less."""
    runs = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, capture_output=True, check=True, timeout=60)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        runs.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(runs)


def test_help_is_there_in_a_blink_and_imports_neither_side() -> None:
    assert "Exit status" in run("--help").stdout
    drawn_with = "import typer, rich.markdown, rich.panel, rich.table"  # nothing that shows a help can do with less
    assert processor_time_s(COMMAND, "--help") < 2.5 * processor_time_s(sys.executable, "-c", drawn_with)
    imported = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "import threadsight.cli"], capture_output=True, text=True, check=True
    ).stderr
    assert not [name for name in ("torch", "discord", "slack_bolt", "PIL", "redis", "bot") if f" {name}\n" in imported]


def test_wrong_usage_is_told_as_such() -> None:
    assert run("ask", "--nonsense").returncode == 2
    assert run("ask", "--top-p", "2", "What is this?").returncode == 2


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["ask", "cover.png", "Who wrote it?"], 66, "There is no file cover.png.\n"),
        (["ocr", "cover.png"], 66, "There is no file cover.png.\n"),
        (["compare", "cover.png", "cover.png"], 66, "There is no file cover.png.\n"),
        (["compare", str(COVER), str(COVER), "cover.pgn"], 66, "There is no file cover.pgn.\n"),
        (["ask", "-f", "And now?"], 65, "There is no conversation to continue yet. Ask about a picture first.\n"),
        (["ask"], 65, "Which picture? Name one before the question, or continue the last conversation with -f.\n"),
        (["ask", "-f"], 65, "There is no conversation to continue yet. Ask about a picture first.\n"),
        (["ocr"], 65, "Which picture? Name one before the question, or continue the last conversation with -f.\n"),
    ],
)
def test_a_slip_is_told_in_one_sentence_and_starts_nothing(words: list[str], code: int, said: str, home: Path) -> None:
    ended = run(*words)
    assert (ended.returncode, ended.stdout, ended.stderr) == (code, "", said)
    assert list(home.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["ask", "cover.png", "Who wrote it?"], "no_such_file"),
        (["ocr", "cover.png"], "no_such_file"),
        (["compare"], "no_pictures"),
        (["ask", "-f", "And now?"], "nothing_to_follow"),
    ],
)
def test_a_program_is_told_of_a_slip_as_of_any_other_ending(words: list[str], code: str) -> None:
    ended = run(words[0], "--json", *words[1:])
    outcome = json.loads(ended.stdout)
    assert (outcome["answer"], outcome["failure"]["code"]) == ("", code)
    assert ended.stderr == f"{outcome['failure']['sentence']}\n"


def test_a_misspelt_setting_is_told_before_anything_starts(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKER_MODLE", "tiny")
    (tmp_path / "cover.png").touch()
    ended = run("ask", "cover.png", "Who wrote it?", cwd=tmp_path)
    assert (ended.returncode, ended.stderr) == (78, "WORKER_MODLE is not a setting (did you mean WORKER_MODEL?).\n")
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("words", [("ask", "cover.png"), ("up",), ("bot",), ("worker",), ("discord-invite",)])
def test_settings_in_another_encoding_are_told_in_one_sentence(words: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "cover.png").touch()
    (tmp_path / ".env").write_text("WORKER_MODEL=tiny\n", encoding="utf-16")
    ended = run(*words, cwd=tmp_path)
    said = f"The settings in {tmp_path / '.env'} cannot be read (line 1 is not UTF-8).\n"
    assert (ended.returncode, ended.stderr) == (78, said)


@pytest.mark.parametrize("words", [("--url", "sight.example.com"), ("--url", "http://x.org"), ("--name", " ")])
def test_a_manifest_that_slack_would_refuse_is_not_printed(words: tuple[str, str]) -> None:
    ended = run("slack-manifest", *words)
    assert (ended.returncode, ended.stdout) == (2, "")


@pytest.mark.parametrize("words", [("--version",), ("slack-manifest",), ("--help",)])
@pytest.mark.parametrize("buffered", ["", "1"])
def test_output_that_is_not_taken_is_told_in_a_sentence(
    words: tuple[str], buffered: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", buffered)
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run([COMMAND, *words], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (1, "There is no space left where this had to be written.\n")


def test_a_reader_that_has_had_enough_ends_it_in_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", "")
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as pipe:
        ended = subprocess.run([COMMAND, "slack-manifest"], stdout=pipe, stderr=subprocess.PIPE, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (1, "")


def test_the_version_is_told() -> None:
    assert run("--version").stdout == f"{importlib.metadata.version('threadsight')}\n"


def test_the_bot_alone_has_nobody_to_serve_without_a_token() -> None:
    ended = run("bot")
    assert ended.returncode == 78
    assert ended.stderr.startswith("There is no chat platform to serve")


def test_no_part_of_a_password_is_told(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://:hunter2#x@host:6379/0")
    (tmp_path / "cover.png").touch()
    ended = run("ask", "cover.png", "Who wrote it?", cwd=tmp_path)
    assert ended.returncode == 78
    assert ended.stderr.endswith("/ ? # in a name or password as %2F %3F %23.\n")
    written = [file.read_text() for file in home.rglob("*") if file.is_file()]
    assert "hunter2" not in "".join((ended.stdout, ended.stderr, *written))


def test_a_platform_that_is_set_up_in_part_is_a_matter_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-1")
    ended = run("bot")
    assert (ended.returncode, ended.stderr) == (78, "Slack is set up in part only: SLACK_APP_TOKEN is missing.\n")


@pytest.mark.parametrize("words", [("ask", "cover.png", "Who wrote it?"), ("worker",), ("bot",)])
def test_a_home_that_cannot_be_made_is_told_in_one_sentence(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cover.png").touch()
    home = tmp_path / "cover.png" / "home"
    monkeypatch.setenv("THREADSIGHT_HOME", str(home))
    ended = run(*words, cwd=tmp_path)
    said = f"The folder {home} cannot be used (Not a directory). Set THREADSIGHT_HOME to another.\n"
    assert (ended.returncode, ended.stderr) == (78, said)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
@pytest.mark.parametrize("folder", [".", "valkey", "worker"])
def test_a_folder_in_the_home_that_is_somebody_elses_is_named(folder: str, home: Path) -> None:
    theirs = home / folder
    theirs.mkdir(exist_ok=True)
    theirs.chmod(0o500)
    ended = run("ask", str(COVER), "Who wrote it?")
    theirs.chmod(0o700)
    assert ended.returncode == 78
    assert f"The folder {theirs} cannot be used (Permission denied). Set THREADSIGHT_HOME to another." in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_a_shell_that_has_closed_standard_input_or_output_is_told(home: Path) -> None:
    for closed, said in (
        ("<&-", "It cannot be fetched (standard input is closed).\n"),
        (">&-", "The answer could not be written (standard output is closed).\n"),
    ):
        words = ["sh", "-c", f'"$0" ask - "What is this?" {closed}', COMMAND]
        ended = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60, input="")
        assert ended.stderr == said
        assert ended.returncode == (65 if "<" in closed else 1)
    assert not (home / "worker").exists()


@pytest.mark.usefixtures("heeded")
def test_ctrl_c_ends_the_wait_for_standard_input(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THREADSIGHT_WORKER_LINGER_S", "0")
    keyboard, theirs = pty.openpty()
    with subprocess.Popen([COMMAND, "ask", "-", "What is this?"], stdin=theirs, stderr=subprocess.PIPE) as process:
        try:
            assert eventually((home / "spool").exists, patience_s=30.0)
            time.sleep(0.5)  # it reads now
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=5)
        finally:
            process.kill()
            os.close(theirs)
            os.close(keyboard)
    assert (process.returncode, said) == (130, b"")
