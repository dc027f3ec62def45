import resource
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = Path(sys.executable).with_name("threadsight")


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
    assert run("ask").returncode == 2
    assert run("ask", "--top-p", "2", "What is this?").returncode == 2


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["ask", "cover.png", "Who wrote it?"], 66, "There is no file cover.png.\n"),
        (["ocr", "cover.png"], 66, "There is no file cover.png.\n"),
        (["compare", "cover.png", "cover.png"], 66, "There is no file cover.png.\n"),
        (["ask", "-f", "And now?"], 65, "There is no conversation to continue yet. Ask about a picture first.\n"),
        (["ocr"], 65, "Which picture? Name one before the question, or continue the last conversation with -f.\n"),
    ],
)
def test_a_slip_is_told_in_one_sentence_and_starts_nothing(words: list[str], code: int, said: str, home: Path) -> None:
    ended = run(*words)
    assert (ended.returncode, ended.stdout, ended.stderr) == (code, "", said)
    assert list(home.iterdir()) == []


def test_a_misspelt_setting_is_told_before_anything_starts(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKER_MODLE", "tiny")
    (tmp_path / "cover.png").touch()
    ended = run("ask", "cover.png", "Who wrote it?", cwd=tmp_path)
    assert (ended.returncode, ended.stderr) == (78, "WORKER_MODLE is not a setting (did you mean WORKER_MODEL?).\n")
    assert list(home.iterdir()) == []


def test_the_bot_alone_has_nobody_to_serve_without_a_token() -> None:
    ended = run("bot")
    assert ended.returncode == 78
    assert ended.stderr.startswith("There is no chat platform to serve")
