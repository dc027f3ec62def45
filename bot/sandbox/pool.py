"""The bot's end of the decoder processes: started at need, kept for the next picture, killed when they hang."""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from importlib.util import find_spec

import msgspec

from bot import errors
from bot.errors import PictureBroken, PictureNeedsExtra, PictureRefused, PictureTooSlow
from bot.sandbox.wire import LENGTH_BYTES, DecodeTask, Opened, Rejected, pack, read_answer

_LARGEST_FORM_BYTES = 24 * 1024**2  # 7.2 megapixels of RGB that do not shrink
_PIPE_BYTES = 1024**2


class Sandbox:
    """At most `processes` decoders, each within `memory_bytes`, each picture within `time_limit_s`."""

    def __init__(self, *, processes: int, memory_bytes: int, time_limit_s: float, max_pixels: int) -> None:
        self._memory_bytes = memory_bytes
        self._time_limit_s = time_limit_s
        self._max_pixels = max_pixels
        self._processes = processes
        self._room = asyncio.Semaphore(processes)
        self._idle: list[Process] = []

    async def warm_up(self) -> None:
        """Have every decoder at hand: the first picture then does not wait for one to start."""
        if find_spec("PIL") is not None:
            missing = self._processes - len(self._idle)
            self._idle += await asyncio.gather(*(self._start() for _ in range(missing)))

    async def normalise(self, content: bytes, *, name: str, max_pages: int = 1) -> Opened:
        """The stored form of the picture that `content` is a file of, or of the first pages of a document.

        Raises:
            PictureRefused: one of its leaves; a decoder that crashed or was killed is replaced.
        """
        if find_spec("PIL") is None:
            raise PictureNeedsExtra(name=name, format="opening pictures")
        task = DecodeTask(name=name, content=content, max_pixels=self._max_pixels, max_pages=max_pages)
        async with self._room:
            decoder = await self._take()
            try:
                async with asyncio.timeout(self._time_limit_s):
                    answer = await _ask(decoder, task)
                self._idle.append(decoder)
            except TimeoutError:
                raise PictureTooSlow(name=name, limit_s=self._time_limit_s, what="open") from None
            except (EOFError, ConnectionError, msgspec.DecodeError):
                raise PictureBroken(name=name) from None
            finally:
                if decoder not in self._idle:  # it failed, or nobody waits for its answer any more
                    await _kill(decoder)
        if isinstance(answer, Rejected):
            raise _refusal(answer, name=name)
        return answer

    async def close(self) -> None:
        """End the decoders."""
        while self._idle:
            await _kill(self._idle.pop())

    async def _take(self) -> Process:
        """One that waits for work; it may have been killed meanwhile, which is no fault of the next picture."""
        while self._idle:
            decoder = self._idle.pop()
            if decoder.returncode is None:
                return decoder
        return await self._start()

    async def _start(self) -> Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",  # the working directory is no place to import from
            "-m",
            "bot.sandbox.decoder",
            str(self._memory_bytes),
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            limit=_PIPE_BYTES,
            env={"PYTHONPATH": os.pathsep.join(sys.path)},  # and nothing else: no token ever reaches a decoder
            start_new_session=True,  # Ctrl-C is for the bot
        )


async def _ask(decoder: Process, task: DecodeTask) -> Opened | Rejected:
    """Hand over a task and wait for its answer.

    Raises:
        EOFError, ConnectionError: the decoder died.
        msgspec.DecodeError: it answers nonsense.
    """
    assert decoder.stdin is not None
    assert decoder.stdout is not None
    decoder.stdin.write(pack(task))
    await decoder.stdin.drain()
    length = int.from_bytes(await decoder.stdout.readexactly(LENGTH_BYTES), "big")
    if length > _LARGEST_FORM_BYTES * task.max_pages:
        raise msgspec.DecodeError(f"{length} bytes are more than any answer takes")
    return read_answer(await decoder.stdout.readexactly(length))


async def _kill(decoder: Process) -> None:
    if decoder.returncode is None:
        decoder.kill()
    await decoder.wait()


def _refusal(rejected: Rejected, *, name: str) -> PictureRefused:
    leaf = getattr(errors, rejected.leaf, None)
    assert isinstance(leaf, type)
    assert issubclass(leaf, PictureRefused)
    return leaf(**{**rejected.facts, "name": name})
