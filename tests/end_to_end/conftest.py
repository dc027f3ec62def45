"""The whole product as a person runs it: the `threadsight` command, its Valkey and its worker, in a home of the test's."""

import asyncio
import json
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from aiohttp import web

EXAMPLES = Path(__file__).parents[2] / "examples"
COMMAND = Path(sys.executable).with_name("threadsight")


class Install:
    """An install in a folder of its own. `settings` are environment variables."""

    def __init__(self, home: Path, **settings: str) -> None:
        self.home = home
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("WORKER_", "BOT_", "QUEUE_", "REDIS_", "THREADSIGHT_"))
        }
        # A worker of an earlier question stays for the next one, as it does for people.
        self.environment |= {"THREADSIGHT_HOME": str(home), "QUEUE_LEASE_S": "1.5", "WORKER_THREADS": "1", **settings}

    async def start(self, *words: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            COMMAND,
            *words,
            cwd=EXAMPLES,
            env=self.environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def run(self, *words: str) -> tuple[int, str, str]:
        """Exit code, standard output, standard error."""
        process = await self.start(*words)
        return await ended(process)

    def pid(self, service: str) -> int:
        """Of `valkey` or `worker`."""
        return int((self.home / service / "process.pid").read_text())

    def kill(self, service: str) -> None:
        os.kill(self.pid(service), signal.SIGKILL)

    def end(self) -> None:
        """Nothing of it outlives the test: a keeper takes its process with it."""
        for service in ("worker", "valkey"):
            try:
                os.kill(int((self.home / service / "keeper.pid").read_text()), signal.SIGTERM)
            except (FileNotFoundError, ProcessLookupError):
                continue


async def ended(process: asyncio.subprocess.Process) -> tuple[int, str, str]:
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


@pytest.fixture
def home() -> Iterator[Path]:
    # Not tmp_path: a socket's path is short, and pytest's are long.
    with tempfile.TemporaryDirectory(prefix="ts-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture
def install(home: Path) -> Iterator[Install]:
    made = Install(home)
    yield made
    made.end()


class SlowModel:
    """An OpenAI-compatible server that answers a word at a time, so that there is a middle to kill things in."""

    words = tuple(f"word{number} " for number in range(12))

    def __init__(self) -> None:
        self.pause_s = 0.15
        self.answers = 0
        self.in_the_middle = asyncio.Event()

    async def complete(self, request: web.Request) -> web.StreamResponse:
        await request.json()
        self.answers += 1
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for number, word in enumerate(self.words):
            await self._send(response, {"delta": {"content": word}})
            if number == len(self.words) // 3:
                self.in_the_middle.set()
            await asyncio.sleep(self.pause_s)
        await self._send(response, {"delta": {}, "finish_reason": "stop"})
        await response.write(b"data: [DONE]\n\n")
        return response

    @staticmethod
    async def _send(response: web.StreamResponse, choice: dict) -> None:
        chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "slow"}
        await response.write(f"data: {json.dumps(chunk | {'choices': [{'index': 0, **choice}]})}\n\n".encode())

    @property
    def answer(self) -> str:
        return "".join(self.words).strip()


@pytest.fixture
async def slow_model() -> AsyncIterator[SlowModel]:
    model = SlowModel()
    app = web.Application(client_max_size=64 * 1024**2)
    app.router.add_post("/v1/chat/completions", model.complete)
    runner = web.AppRunner(app, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    model.port = runner.addresses[0][1]
    yield model
    await runner.cleanup()


@pytest.fixture
def slow_install(home: Path, slow_model: SlowModel) -> Iterator[Install]:
    made = Install(home, WORKER_ENGINE="openai", WORKER_OPENAI_BASE_URL=f"http://127.0.0.1:{slow_model.port}/v1")
    yield made
    made.end()
