"""A lock file: whoever holds it lets go when its process ends, however it ends.

The lock is the kernel's (`flock`), so nothing is left behind by `kill -9`. It belongs to the open file, not to the
process: a child that inherits the descriptor holds it too, which is how a server outliving its keeper is noticed.
"""

import fcntl
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Self

POLL_S = 0.02


class Lock:
    """One lock file, opened: shared by many or exclusive to one, until `close`."""

    def __init__(self, path: Path) -> None:
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def take_shared(self) -> bool:
        """Hold it together with others, unless somebody has it exclusively; whether it is held."""
        return self._flock(fcntl.LOCK_SH)

    def take_exclusive(self) -> bool:
        """Hold it alone, unless anybody else has it; whether it is held."""
        return self._flock(fcntl.LOCK_EX)

    def wait_shared(self, patience_s: float) -> bool:
        """`take_shared`, trying for up to `patience_s`."""
        return self._wait(fcntl.LOCK_SH, patience_s)

    def wait_exclusive(self, patience_s: float) -> bool:
        """`take_exclusive`, trying for up to `patience_s`."""
        return self._wait(fcntl.LOCK_EX, patience_s)

    def release(self) -> None:
        """Let go; the file stays open."""
        fcntl.flock(self.fd, fcntl.LOCK_UN)

    def close(self) -> None:
        """Let go for good."""
        os.close(self.fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _wait(self, operation: int, patience_s: float) -> bool:
        give_up = time.monotonic() + patience_s
        while not self._flock(operation):
            if time.monotonic() > give_up:
                return False
            time.sleep(POLL_S)
        return True

    def _flock(self, operation: int) -> bool:
        try:
            fcntl.flock(self.fd, operation | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
