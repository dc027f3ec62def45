"""Keeps one process alive for as long as anybody uses it: `python -m threadsight.keeper FOLDER`.

The keeper is nobody's child: it leaves its starter's session, so the first command to end disturbs no other. It
starts what `service.json` in the folder says, starts it again when it dies, and stops it when no process holds
`users.lock` any more. It imports the standard library only, because it should be there in a blink.

Files in the folder (see `threadsight.service` for the side of the users):

    service.json   the command
    users.lock     held shared by every process that uses the service; the keeper ends once it can have it alone
    keeper.lock    held by the keeper: one at a time
    process.lock   held by the keeper and inherited by the process, so that it is free only when both are gone
    keeper.pid, process.pid
    lingering      its time stamp: until when the process stays although nobody uses it
    status.json    how far the process is, where it says so; of one before it nothing is left
    failure        why the keeper gave up
    log            what the process wrote
"""

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

from threadsight.lock import Lock

POLL_S = 0.1
STOP_PATIENCE_S = 30.0  # from the polite signal to the rude one; a worker may take 20 s to finish its answers
ORPHAN_PATIENCE_S = 1.0  # where the kernel ends an orphan by itself, it has done so by then
HEALTHY_S = 60.0  # a process that lived this long was well: its death counts as the first
MAX_DEATHS = 5  # in a row, each within HEALTHY_S or while it was loading
HOPELESS = 78  # EX_CONFIG of sysexits.h: the process says that another start will not help
PR_SET_PDEATHSIG = 1  # linux/prctl.h


class Keeper:
    """Keeps the process of one service folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.is_asked_to_end = False
        self.command: list[str] = json.loads((folder / "service.json").read_text())["command"]
        self.users = Lock(folder / "users.lock")
        self.process_lock = Lock(folder / "process.lock")

    def keep(self) -> None:
        """Until nobody uses it, or it cannot be kept alive. `users` stays locked, so no user comes in too late."""
        self._end_orphan()
        deaths = 0
        while True:
            started_s = time.monotonic()
            process = self._start()
            try:
                while process.poll() is None:
                    if self.is_asked_to_end or self._is_unused():
                        return
                    time.sleep(POLL_S)
            finally:
                self._stop(process)
            lived_s = time.monotonic() - started_s
            deaths = 1 if lived_s > HEALTHY_S and not self._was_loading(process) else deaths + 1
            if process.returncode == HOPELESS or deaths == MAX_DEATHS:
                break
            sys.stderr.write(f"It ended with status {process.returncode} and is started again.\n")
            time.sleep(POLL_S * deaths)
        (self.folder / "failure").write_text(f"ended {deaths} times, the last time with status {process.returncode}")

    def ask_to_end(self, _signal: int, _frame: FrameType | None) -> None:
        """For `signal.signal`. A note only: an exception could leave `subprocess` with its lock held."""
        self.is_asked_to_end = True

    def _start(self) -> subprocess.Popen[bytes]:
        keeper_pid = os.getpid()

        def die_with_keeper() -> None:
            if sys.platform == "linux":
                ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != keeper_pid:  # it died before we asked to be told
                os._exit(1)

        process = subprocess.Popen(  # noqa: S603 - the install's own command, written by threadsight.service
            self.command,
            stdin=subprocess.DEVNULL,
            pass_fds=[self.process_lock.fd],
            preexec_fn=die_with_keeper,  # noqa: PLW1509 - the keeper has one thread
        )
        _write_pid(self.folder / "process.pid", process.pid)
        return process

    def _stop(self, process: subprocess.Popen[bytes]) -> None:
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(STOP_PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _was_loading(self, process: subprocess.Popen[bytes]) -> bool:
        """Whether that was the last it said: with too little memory it may die of it again and again, each time late."""
        try:
            status = json.loads((self.folder / "status.json").read_text())
        except FileNotFoundError:
            return False
        return bool(status["pid"] == process.pid and status["state"] == "loading")

    def _is_unused(self) -> bool:
        if not self.users.take_exclusive():
            return False
        try:
            stays_until = (self.folder / "lingering").stat().st_mtime
        except FileNotFoundError:
            return True
        if time.time() >= stays_until:
            return True
        self.users.release()
        return False

    def _end_orphan(self) -> None:
        """A process whose keeper was killed: Linux ends it with its keeper; elsewhere we do."""
        if self.process_lock.wait_exclusive(ORPHAN_PATIENCE_S):
            return
        with contextlib.suppress(ProcessLookupError, FileNotFoundError):
            os.kill(int((self.folder / "process.pid").read_text()), signal.SIGKILL)
        if not self.process_lock.wait_exclusive(STOP_PATIENCE_S):
            sys.exit("Another process holds process.lock.")


def main() -> None:
    """Become the keeper of a folder and return to the starter as soon as its lock is held."""
    folder = Path(sys.argv[1])
    lock = Lock(folder / "keeper.lock")
    if not lock.take_exclusive():
        return  # another keeper
    (folder / "status.json").unlink(missing_ok=True)  # a keeper that was killed left it, with its process's number
    if keeper_pid := os.fork():
        _write_pid(folder / "keeper.pid", keeper_pid)
        os._exit(0)  # the child goes on holding the lock; the starter need not wait for more
    keeper = Keeper(folder)  # named, because it holds `users` to the very end
    signal.signal(signal.SIGTERM, keeper.ask_to_end)
    try:
        keeper.keep()
    finally:
        for name in ("process.pid", "keeper.pid"):
            (folder / name).unlink(missing_ok=True)
        lock.close()  # before `users`, which the end of the process releases: whoever comes next finds no keeper


def _write_pid(file: Path, pid: int) -> None:
    written = file.with_suffix(".new")
    written.write_text(str(pid))
    written.replace(file)


if __name__ == "__main__":
    main()
