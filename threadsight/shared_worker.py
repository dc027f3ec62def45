"""The worker that every command of an install shares, so that the model is loaded once and remembers the last pictures."""

import asyncio
import contextlib
import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from inference_worker.settings import WorkerSettings
from inference_worker.status import WorkerStatus
from jobs.settings import read_variables
from threadsight import hub
from threadsight.home import make_private
from threadsight.service import Service

POLL_S = 0.05
WATCH_S = 1.0
BUILT_IN = "tiny"  # a name, whatever folders there are
OURS = ("WORKER_", "QUEUE_")
ALSO_OURS = {"REDIS_URL", *hub.VARIABLES}


class SharedWorker:
    """A worker process that is running, or starting."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def wait_until_ready(self, show: Callable[[WorkerStatus], None]) -> WorkerStatus:
        """Until it takes questions; `show` hears of the loading.

        Raises:
            ServiceFailed: it cannot be started, with its own words.
        """
        while True:
            self._service.check()
            status = self._read_status()
            if status is not None:
                if status.state == "ready":
                    return status
                show(status)
            time.sleep(POLL_S)

    async def watch(self) -> None:
        """Never returns: a worker that is started again and again in vain is told of.

        Raises:
            ServiceFailed: with its own words.
        """
        while True:
            self._service.check()
            await asyncio.sleep(WATCH_S)

    def _read_status(self) -> WorkerStatus | None:
        """What the living process says; the file of one before it says nothing."""
        with contextlib.suppress(FileNotFoundError, ValueError):
            status = msgspec.json.decode((self._service.folder / "status.json").read_bytes(), type=WorkerStatus)
            if status.pid == int((self._service.folder / "process.pid").read_text()):
                return status
        return None


@contextlib.contextmanager
def open_worker(home: Path, *, linger_s: float = 0.0) -> Iterator[SharedWorker]:
    """The install's worker, started unless it runs; it lives while any command is within this block.

    It stays for `linger_s` afterwards, so that a follow-up finds the model loaded and the conversation resident.

    Raises:
        SettingMisspelt, SettingWrong: it would not start.
        ServiceInUse: it runs with other `WORKER_*` settings for another command.
    """
    WorkerSettings.read()
    make_private(home)
    folder = home.resolve() / "worker"
    environment = choose_environment(home.resolve())
    service = Service(
        folder,
        [sys.executable, "-P", "-m", "threadsight", "worker"],
        environment=environment,
        settings=hashlib.sha256(json.dumps(environment, sort_keys=True).encode()).hexdigest(),
    )
    with service.use(linger_s=linger_s):
        yield SharedWorker(service)


def choose_environment(home: Path) -> dict[str, str]:
    """The settings of the worker, wherever they stand: it starts in its own folder and reads no `.env`."""
    ours = {name: value for name, value in read_variables().items() if name.startswith(OURS) or name in ALSO_OURS}
    model = Path(ours.get("WORKER_MODEL", "")).expanduser()
    with contextlib.suppress(PermissionError):  # the worker will say so
        if ours.get("WORKER_MODEL", BUILT_IN) != BUILT_IN and model.is_dir():
            ours["WORKER_MODEL"] = str(model.resolve())
    if "HF_HOME" in ours:
        ours["HF_HOME"] = str(Path(ours["HF_HOME"]).expanduser().absolute())
    return {**ours, "THREADSIGHT_HOME": str(home), "WORKER_STATUS_FILE": str(home / "worker" / "status.json")}
