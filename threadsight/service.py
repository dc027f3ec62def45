"""A background process that every command of an install shares: it lives while one of them uses it.

`Service.use` is the users' side; `threadsight.keeper` is the process that does the keeping.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from jobs.errors import Unavailable
from threadsight.home import make_private
from threadsight.lock import Lock

WATCH_S = 0.5  # a keeper that was killed is missed after this long
START_PATIENCE_S = 10.0  # to start a keeper, and for an ending one to be gone
STOP_PATIENCE_S = 35.0  # the keeper gives its process thirty seconds to end by itself
MAX_LOG_BYTES = 1_000_000


class ServiceFailed(Unavailable):
    """The {name} does not run: {reason}. See {log}."""


class ServiceInUse(Unavailable):
    """The {name} runs with other settings for another command. End that one first, or set THREADSIGHT_HOME."""


class Service:
    """One background process of the install, named by its folder.

    `settings` tells two ways of running it apart: a user with others replaces a process that nobody uses, and is
    refused while somebody does. It runs in its folder, with `environment` on top of the starter's.
    """

    def __init__(
        self,
        folder: Path,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        settings: str = "",
    ) -> None:
        self.folder = folder
        self.command = list(command)
        self.environment = environment or {}
        self.settings = settings

    @contextlib.contextmanager
    def use(self, *, linger_s: float = 0.0) -> Iterator[None]:
        """Keep it running meanwhile, whichever of its users, its keeper or itself is killed.

        It stays for `linger_s` afterwards, unless a later user says otherwise.

        Raises:
            ServiceInUse: it runs with other settings.
            ServiceFailed: it cannot be started.
        """
        make_private(self.folder)
        with Lock(self.folder / "users.lock") as users:
            if not users.wait_shared(STOP_PATIENCE_S):
                raise ServiceFailed(name=self.name, reason="an earlier one does not end", log=self.log)
            self._join(users)
            left = threading.Event()
            watch = threading.Thread(target=self._watch, args=[left], name=f"watch {self.name}", daemon=True)
            watch.start()
            try:
                yield
            finally:
                left.set()
                watch.join()
                if linger_s:
                    self._linger(linger_s)

    @property
    def name(self) -> str:
        """For people: the folder's name."""
        return self.folder.name

    @property
    def log(self) -> Path:
        """What the process writes."""
        return self.folder / "log"

    def check(self) -> None:
        """Nothing, or why it has been given up.

        Raises:
            ServiceFailed: with the last line that the process wrote.
        """
        failure = self.folder / "failure"
        if failure.exists():
            lines = self.log.read_text(errors="replace").split("\n")
            reason = next((line.strip() for line in reversed(lines) if line.strip()), failure.read_text())
            raise ServiceFailed(name=self.name, reason=reason.rstrip("."), log=self.log)

    def ensure_keeper(self) -> None:
        """Start a keeper unless one lives. Cheap when it does; two callers at once start one."""
        with self._starting():
            if not self._has_keeper() and not (self.folder / "failure").exists():
                self._start_keeper()

    @contextlib.contextmanager
    def _starting(self) -> Iterator[None]:
        """One at a time looks for a keeper, starts one or ends one."""
        with Lock(self.folder / "start.lock") as start:
            if not start.wait_exclusive(START_PATIENCE_S):
                raise ServiceFailed(name=self.name, reason="another command is stuck starting it", log=self.log)
            yield

    def _start_keeper(self) -> None:
        self._write_service()
        if self.log.exists() and self.log.stat().st_size > MAX_LOG_BYTES:
            self.log.replace(self.log.with_suffix(".1"))
        with os.fdopen(os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as log:
            starter = subprocess.run(  # noqa: S603 - our own module; it returns once the keeper holds its lock
                [sys.executable, "-P", "-m", "threadsight.keeper", str(self.folder)],
                cwd=self.folder,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                check=False,
            )
        if starter.returncode:
            raise ServiceFailed(name=self.name, reason="its keeper does not start", log=self.log)

    def _watch(self, left: threading.Event) -> None:
        while not left.wait(WATCH_S):
            # Whoever talks to the service notices when it stays away; here the next round tries again.
            with contextlib.suppress(OSError, ServiceFailed):
                self.ensure_keeper()

    def _linger(self, linger_s: float) -> None:
        until = time.time() + linger_s
        lingering = self.folder / "lingering"
        lingering.touch()
        os.utime(lingering, (until, until))

    def _has_keeper(self) -> bool:
        with Lock(self.folder / "keeper.lock") as keeper:
            return not keeper.take_shared()

    def _join(self, users: Lock) -> None:
        """A new try: with our settings, whatever came of earlier ones."""
        with self._starting():
            if self._has_keeper() and json.loads(self._service_file.read_text())["settings"] != self.settings:
                self._end_other(users)
            (self.folder / "failure").unlink(missing_ok=True)
            if not self._has_keeper():
                self._start_keeper()

    def _end_other(self, users: Lock) -> None:
        """End a process with other settings, if it only lingers."""
        if not users.take_exclusive():
            raise ServiceInUse(name=self.name)
        os.kill(int((self.folder / "keeper.pid").read_text()), signal.SIGTERM)
        with Lock(self.folder / "keeper.lock") as keeper:
            if not keeper.wait_exclusive(STOP_PATIENCE_S):
                raise ServiceFailed(name=self.name, reason="the one with other settings stays", log=self.log)
        (self.folder / "lingering").unlink(missing_ok=True)  # it was not meant for ours
        users.take_shared()

    def _write_service(self) -> None:
        written = self._service_file.with_suffix(".new")
        written.write_text(json.dumps({"command": self.command, "settings": self.settings}))
        written.replace(self._service_file)

    @property
    def _service_file(self) -> Path:
        return self.folder / "service.json"
