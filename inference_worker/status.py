"""How far this worker is, for whoever started it: one small JSON file, replaced at every change."""

import os
import threading
import time
from pathlib import Path
from typing import Literal

import msgspec
import structlog

WRITE_INTERVAL_S = 0.1
LOG_INTERVAL_S = 10.0

log = structlog.get_logger()


class WorkerStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What the file says. `sentence` is for people: what is loaded, or why it failed."""

    state: Literal["loading", "ready", "failed"]
    pid: int
    sentence: str = ""
    done_bytes: int = 0
    total_bytes: int = 0


class StatusFile:
    """Writes `WorkerStatus` to `path`; without a path the log tells how far the loading is."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._written_at = 0.0
        self._logged_at = time.monotonic()
        self._writing = threading.Lock()

    def loading(self, done_bytes: int, total_bytes: int) -> None:
        """So much of the model is fetched, or read. Called for every piece, by any thread; written now and then."""
        now = time.monotonic()
        if self._path is None and now - self._logged_at >= LOG_INTERVAL_S:
            self._logged_at = now
            log.info("loading", done_gb=round(done_bytes / 1e9, 1), total_gb=round(total_bytes / 1e9, 1))
        if now - self._written_at >= WRITE_INTERVAL_S:
            self._write(WorkerStatus(state="loading", pid=os.getpid(), done_bytes=done_bytes, total_bytes=total_bytes))

    def ready(self, sentence: str) -> None:
        """The worker claims from now on."""
        self._write(WorkerStatus(state="ready", pid=os.getpid(), sentence=sentence))

    def failed(self, sentence: str) -> None:
        """The worker ends."""
        self._write(WorkerStatus(state="failed", pid=os.getpid(), sentence=sentence))

    def _write(self, status: WorkerStatus) -> None:
        if self._path is None:
            return
        self._written_at = time.monotonic()
        fresh = self._path.with_suffix(".new")
        with self._writing:  # on a busy disk longer than the interval, and files are fetched by several threads
            fresh.write_bytes(msgspec.json.encode(status))
            fresh.replace(self._path)
