"""Looking at real processes, and ending them."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from threadsight.lock import Lock


def read_pid(file: Path) -> int:
    return int(file.read_text())


def is_held(lock_file: Path) -> bool:
    with Lock(lock_file) as lock:
        return not lock.take_shared()


def eventually(condition: Callable[[], bool], patience_s: float = 5.0) -> bool:
    give_up = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > give_up:
            return False
        time.sleep(0.02)
    return True


def is_running(folder: Path) -> bool:
    """Whether the keeper of a service folder, or its process, lives: their locks are the kernel's word on it."""
    return is_held(folder / "keeper.lock") or is_held(folder / "process.lock")


def is_idle(folder: Path) -> bool:
    return not is_running(folder)


def kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def is_alive(pid: int) -> bool:
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(state) and not state.startswith("Z")
