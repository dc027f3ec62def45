import os
from pathlib import Path

import pytest

from threadsight.hub import VARIABLES, tell_hub


@pytest.fixture(autouse=True)
def _nothing_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in VARIABLES:
        monkeypatch.setenv(name, "")  # put back afterwards, whatever is said meanwhile


def test_what_stands_in_the_file_reaches_the_client(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("HF_HOME=/big/disk\nHF_TOKEN=\nWORKER_MODEL=tiny\n")
    tell_hub()
    assert [os.environ[name] for name in VARIABLES] == ["/big/disk", "", ""]


def test_the_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("HF_HOME=/big/disk\n")
    monkeypatch.setenv("HF_HOME", "/elsewhere")
    tell_hub()
    assert os.environ["HF_HOME"] == "/elsewhere"
