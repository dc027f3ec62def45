"""The continuous batcher: one step advances every sequence by one token or one prefill chunk."""

import queue
import time
from collections.abc import Callable

from inference_worker.engine.backend import Backend
from inference_worker.engine.features import PictureFeatures
from inference_worker.engine.request import Output, Request
from inference_worker.engine.runner import ModelRunner
from inference_worker.engine.scheduler import EngineLimits, Scheduler
from inference_worker.model.phi3v import Phi3V


class Engine:
    """Owned by one thread. `add`, `abort`, `forget` and `wake` may come from any: they leave a message.

    Messages are applied between two steps, so nothing here needs a lock.
    """

    def __init__(self, model: Phi3V, backend: Backend, limits: EngineLimits) -> None:
        self._inbox: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._features = PictureFeatures(
            model,
            budget_bytes=limits.features_budget_bytes,
            crops_at_once=limits.crops_at_once,
            on_arrival=self.wake,
        )
        self._scheduler = Scheduler(model, backend, self._features, limits)
        self._runner = ModelRunner(model, backend)
        self._stalled = False

    def add(self, request: Request) -> None:
        """Generate an answer."""
        self._inbox.put(lambda: self._scheduler.add(request))

    def abort(self, request_id: str) -> None:
        """Stop an answer before its end; nothing more is said of it."""
        self._inbox.put(lambda: self._scheduler.abort(request_id))

    def forget(self, name: str, *, epoch: int) -> None:
        """Drop everything of this conversation that is older than `epoch`. Nothing more is said of its answers."""
        self._inbox.put(lambda: self._scheduler.forget(name, epoch))

    def wake(self) -> None:
        """Have `wait` return: there may be something to do."""
        self._inbox.put(lambda: None)

    def step(self) -> list[Output]:
        """One step. What it says is in the order of the answers' tokens."""
        self._apply_inbox()
        self._stalled = False
        failed = self._features.encode_arrived(beside_decode=self._scheduler.is_decoding)
        if outputs := self._scheduler.fail(failed):
            return outputs  # at once: nobody would know of them any more if the rest of this step broke
        batch = self._scheduler.next_batch()
        self._stalled = batch is None and not self._features.has_work
        if batch is None:
            return []
        began = time.monotonic()
        token_ids = self._runner.run(batch)
        return self._scheduler.append(batch, token_ids, seconds=time.monotonic() - began)

    def wait(self) -> None:
        """Block until there is something to do. The engine checks itself before it rests."""
        if not self._stalled:
            return
        if self._inbox.empty():
            self.check_integrity()
        self._inbox.get()()

    def is_sound(self) -> bool:
        """After a step that raised: whether the device still computes."""
        return self._runner.is_sound()

    def recover(self, error: BaseException) -> list[Output]:
        """After a step that raised: everybody is told, every cache is dropped, and the engine goes on.

        Raises:
            AssertionError: it cannot go on, something is still not as it must be.
        """
        outputs = self._scheduler.fail_all(error)
        self.check_integrity()
        return outputs

    def check_integrity(self) -> None:
        """Assert what must hold between any two steps."""
        self._scheduler.check_integrity()

    def _apply_inbox(self) -> None:
        while not self._inbox.empty():
            self._inbox.get()()
