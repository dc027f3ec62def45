"""The engine behind asyncio: its owner thread, and a stream of tokens per request. The only file here that awaits."""

import asyncio
import itertools
import threading
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import suppress

import msgspec
import structlog

from inference_worker.engine.engine import Engine
from inference_worker.engine.request import Failure, Finished, Output, Request, Token
from inference_worker.errors import EngineLost

STUCK_S = 300.0  # a step takes milliseconds on a GPU, and a few seconds on a slow CPU (`pace`)

log = structlog.get_logger()


class AsyncEngine:
    """Runs an `Engine` in a thread of its own, between `start` and `close`."""

    def __init__(self, engine: Engine, *, stuck_s: float = STUCK_S) -> None:
        self._engine = engine
        self._stuck_s = stuck_s
        self._stepping_since: float | None = None  # by the monotonic clock; None: at rest
        self._streams: dict[str, asyncio.Queue[Output]] = {}
        self._numbers = itertools.count()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing = threading.Event()
        self._lost = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)

    def start(self) -> None:
        """Begin to step; what the engine says goes to the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    async def watch(self) -> None:
        """Never returns.

        Raises:
            EngineLost: the device computes nothing any more, a step does not end, or the engine cannot be recovered.
                Open streams get nothing more.
        """
        while not self._lost.is_set() and not self._is_stuck:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._lost.wait(), self._stuck_s / 10)
        raise EngineLost

    async def close(self) -> None:
        """Stop after the step in progress. Streams that are still open get nothing more."""
        self._closing.set()
        self._engine.wake()
        while self._thread.is_alive() and not self._is_stuck:  # one that is stuck ends with the process only
            await asyncio.to_thread(self._thread.join, self._stuck_s / 10)

    async def generate(self, request: Request) -> AsyncGenerator[Token | Finished]:
        """The answer's tokens as they are drawn, then `Finished`. Leaving the iteration early aborts the answer.

        Raises:
            BaseException: the error of the picture that could not be loaded, or of the step that broke.
        """
        # Of its own: the clean-up of an earlier try at the same question may still be to come.
        request = msgspec.structs.replace(request, id=f"{request.id} {next(self._numbers)}")
        stream: asyncio.Queue[Output] = asyncio.Queue()
        self._streams[request.id] = stream
        self._engine.add(request)
        ended = False
        try:
            while not ended:
                output = await stream.get()
                ended = not isinstance(output, Token)
                if isinstance(output, Failure):
                    raise output.error
                yield output
        finally:
            del self._streams[request.id]
            if not ended:
                self._engine.abort(request.id)

    def forget(self, name: str, *, epoch: int) -> None:
        """Drop every cache of this conversation that is older than `epoch`.

        Its answers in the making end without a word: whoever iterates over one is to leave it.
        """
        self._engine.forget(name, epoch=epoch)

    @property
    def _is_stuck(self) -> bool:
        since = self._stepping_since
        return since is not None and time.monotonic() - since > self._stuck_s

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                outputs = self._step()
                if not outputs:
                    self._engine.wait()
            except Exception as error:
                log.exception("engine step failed")
                outputs = self._recover(error)
            if outputs is None:
                self._call(self._lost.set)
                return
            if outputs:
                self._say(outputs)

    def _step(self) -> Sequence[Output] | None:
        self._stepping_since = time.monotonic()
        try:
            return self._engine.step()
        finally:
            self._stepping_since = None

    def _recover(self, error: Exception) -> Sequence[Output] | None:
        """What everybody is told; None when there is no going on. A thread that ends in silence would answer nobody."""
        try:
            return self._engine.recover(error) if self._engine.is_sound() else None
        except Exception:
            log.exception("the engine cannot be recovered")
            return None

    def _say(self, outputs: Sequence[Output]) -> None:
        """One hop to the event loop for everything that a step says."""
        self._call(self._deliver, outputs)

    def _call(self, what: Callable[..., None], *args: object) -> None:
        """On the event loop."""
        assert self._loop is not None, "started before it runs"
        try:
            self._loop.call_soon_threadsafe(what, *args)
        except RuntimeError:  # the loop is closed: the process is ending, nobody listens
            self._closing.set()

    def _deliver(self, outputs: Sequence[Output]) -> None:
        for output in outputs:
            stream = self._streams.get(output.request_id)
            if stream is not None:
                stream.put_nowait(output)
