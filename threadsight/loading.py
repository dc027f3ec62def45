"""What a person sees while the model loads."""

from rich.console import Console

from inference_worker.status import WorkerStatus
from threadsight.shared_worker import SharedWorker

GB = 1e9


def await_worker(worker: SharedWorker) -> WorkerStatus:
    """Until it takes questions, with a line on standard error that comes and goes; nothing where nobody watches.

    Raises:
        ServiceFailed: it cannot be started, with its own words.
    """
    with Console(stderr=True).status("Starting the worker ...") as line:
        return worker.wait_until_ready(lambda status: line.update(words_for(status)))


def words_for(status: WorkerStatus) -> str:
    """How far the loading is.

    >>> words_for(WorkerStatus(state="loading", pid=1, done_bytes=3_100_000_000, total_bytes=8_290_000_000))
    'Loading the model: 3.1 of 8.3 GB'
    """
    return f"Loading the model: {status.done_bytes / GB:.1f} of {status.total_bytes / GB:.1f} GB"
