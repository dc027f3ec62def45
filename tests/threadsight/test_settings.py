from pathlib import Path

import pytest

from threadsight.settings import CommandSettings


def test_the_home_is_read_as_a_shell_would(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/somebody")
    monkeypatch.setenv("THREADSIGHT_HOME", "~/sight")
    assert CommandSettings.read().home == Path("/home/somebody/sight")
    monkeypatch.setenv("THREADSIGHT_HOME", "sight")
    assert CommandSettings.read().home == tmp_path / "sight"
