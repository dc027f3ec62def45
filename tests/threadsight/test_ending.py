import errno
from pathlib import Path

import pytest

from jobs.errors import QueueFull
from threadsight.ending import tell


@pytest.fixture(autouse=True)
def _own_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THREADSIGHT_HOME", str(home))


def test_an_error_is_one_plain_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert tell(QueueFull(limit=3)) == 75
    said = "The queue is full (3 questions are waiting). Please ask again in a few minutes.\n"
    assert capsys.readouterr().err == said


def test_an_error_in_a_group_of_tasks_is_told_as_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert tell(ExceptionGroup("unhandled", [ExceptionGroup("again", [QueueFull(limit=3)])])) == 75
    assert capsys.readouterr().err.startswith("The queue is full")


def test_a_missing_package_is_told_as_the_extra_that_brings_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert tell(ModuleNotFoundError("No module named 'torch.nn'", name="torch.nn")) == 78
    assert "pip install 'threadsight[worker]'" in capsys.readouterr().err


def test_a_full_disk_is_no_bug(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tell(OSError(errno.ENOSPC, "No space left on device")) == 1
    assert capsys.readouterr().err == "There is no space left where this had to be written.\n"
    assert not (home / "log").exists()


def test_a_bug_is_a_sentence_although_nobody_can_read_where_the_log_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("THREADSIGHT_HOME=/srv\n", encoding="utf-16")
    assert tell(KeyError("answer")) == 1
    assert capsys.readouterr().err.endswith(
        "Something broke that should not (KeyError: 'answer'). The log has the whole story.\n"
    )


def test_a_bug_is_a_sentence_too_and_the_log_has_its_story(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyError) as raised:
        dict[str, str]()["answer"]
    assert tell(raised.value) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert str(home / "log") in said
    assert "Traceback" in (home / "log").read_text()
