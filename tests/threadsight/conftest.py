"""A home of its own for every test, with nothing left running after it."""

import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.threadsight.processes import eventually, is_held, is_idle, kill, read_pid


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    home = tmp_path / "home"
    home.mkdir()
    yield home
    for folder in home.iterdir():
        if folder.is_dir() and (folder / "keeper.pid").exists() and not eventually(partial(is_idle, folder)):
            for lock, pid in (("keeper.lock", "keeper.pid"), ("process.lock", "process.pid")):
                if is_held(folder / lock):
                    kill(read_pid(folder / pid))
            pytest.fail(f"{folder.name} outlived its users")


@pytest.fixture
def heeded() -> Iterator[None]:
    """Where the tests run in the background Ctrl-C is ignored, and every command that they start would ignore it too."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
