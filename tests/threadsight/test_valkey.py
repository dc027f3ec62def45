import contextlib
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.threadsight.processes import eventually, is_alive, is_running, kill, read_pid
from threadsight import valkey as embedded
from threadsight.lock import Lock
from threadsight.service import ServiceFailed
from threadsight.valkey import EmbeddedValkey, ValkeyMissing, find_server, open_valkey

NO_RETRY = Retry(NoBackoff(), retries=0)
USER = """
import sys
from pathlib import Path
from threadsight.valkey import open_valkey
with open_valkey(Path(sys.argv[1])) as valkey:
    print(valkey.url, flush=True)
    sys.stdin.read()
"""


class User:
    """A process that uses the embedded Valkey of a home until it is told to end."""

    def __init__(self, home: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", USER, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    @property
    def url(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def end(self) -> None:
        self.process.communicate(timeout=10)


@pytest.fixture
def users() -> Iterator[contextlib.ExitStack]:
    with contextlib.ExitStack() as stack:
        yield stack


def start(users: contextlib.ExitStack, home: Path) -> User:
    user = User(home)
    users.callback(user.process.communicate)
    users.callback(user.process.kill)
    return user


def connect(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, decode_responses=True)


def is_back(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False


def test_the_first_user_to_end_does_not_disturb_the_second(home: Path, users: contextlib.ExitStack) -> None:
    first, second = start(users, home), start(users, home)
    url = first.url
    assert second.url == url
    server = read_pid(home / "valkey" / "process.pid")
    first.end()
    time.sleep(1.0)
    connect(url).set("still", "here")
    assert read_pid(home / "valkey" / "process.pid") == server
    assert connect(url).get("still") == "here"


def test_the_server_ends_with_its_last_user_and_its_data_does_not(home: Path) -> None:
    with open_valkey(home) as valkey:
        connect(valkey.url).set("kept", "for later")
    assert eventually(lambda: not is_running(home / "valkey"), patience_s=2.0)
    with open_valkey(home) as valkey:
        assert connect(valkey.url).get("kept") == "for later"


def test_a_user_that_is_killed_keeps_nothing_alive(home: Path, users: contextlib.ExitStack) -> None:
    user = start(users, home)
    connect(user.url).set("kept", "for later")
    kill(user.process.pid)
    assert eventually(lambda: not is_running(home / "valkey"), patience_s=2.0)


def test_a_killed_server_comes_back_with_every_acknowledged_write(home: Path) -> None:
    with open_valkey(home) as valkey:
        client = connect(valkey.url)
        for count in range(1, 101):
            assert client.incr("writes") == count
        kill(read_pid(home / "valkey" / "process.pid"))
        assert eventually(lambda: is_back(client))
        assert client.get("writes") == "100"


def test_a_server_that_was_killed_while_writing_forgets_only_the_torn_write(home: Path) -> None:
    with open_valkey(home) as valkey:
        connect(valkey.url).set("whole", "yes")
    assert eventually(lambda: not is_running(home / "valkey"))
    (appended,) = (home / "valkey" / "appendonlydir").glob("*.incr.aof")
    with appended.open("ab") as file:
        file.write(b"*3\r\n$3\r\nSET\r\n$4\r\nto")
    with open_valkey(home) as valkey:
        assert connect(valkey.url).get("whole") == "yes"


def test_a_killed_keeper_is_replaced_and_its_server_too(home: Path) -> None:
    with open_valkey(home) as valkey:
        client = connect(valkey.url)
        client.set("kept", "yes")
        keeper, server = (read_pid(home / "valkey" / f"{name}.pid") for name in ("keeper", "process"))
        kill(keeper)
        assert eventually(lambda: read_pid(home / "valkey" / "process.pid") != server)
        assert eventually(lambda: is_back(client))
        assert client.get("kept") == "yes"
        assert not is_alive(server)
    assert eventually(lambda: not is_running(home / "valkey"), patience_s=2.0)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
def test_killing_everything_but_the_server_ends_the_server(home: Path, users: contextlib.ExitStack) -> None:
    user = start(users, home)
    assert user.url
    kill(user.process.pid)
    kill(read_pid(home / "valkey" / "keeper.pid"))
    assert eventually(lambda: not is_running(home / "valkey"), patience_s=2.0)


def test_an_orphaned_server_is_replaced_where_the_kernel_does_not_end_it(home: Path) -> None:
    with open_valkey(home) as valkey:
        client = connect(valkey.url)
        client.set("kept", "yes")
    assert eventually(lambda: not is_running(home / "valkey"))
    folder = home / "valkey"
    with Lock(folder / "process.lock") as lock:  # as a server holds it that inherited it
        assert lock.take_exclusive()
        orphan = subprocess.Popen(["/bin/sleep", "60"], pass_fds=[lock.fd])
    (folder / "process.pid").write_text(str(orphan.pid))
    with open_valkey(home) as valkey:
        assert orphan.wait(timeout=1) == -signal.SIGKILL
        assert connect(valkey.url).get("kept") == "yes"


def test_users_that_start_at_once_start_one_server(home: Path, users: contextlib.ExitStack) -> None:
    started = [start(users, home) for _ in range(4)]
    (url,) = {user.url for user in started}
    server = read_pid(home / "valkey" / "process.pid")
    assert connect(url).info("server")["process_id"] == server
    time.sleep(0.7)  # a second keeper would have shown by now
    assert connect(url).info("server")["process_id"] == server


def test_starting_takes_well_under_a_second(home: Path) -> None:
    started = time.monotonic()
    with open_valkey(home):
        taken_s = time.monotonic() - started
    assert taken_s < 1.0


def test_nobody_gets_in_without_the_password(home: Path) -> None:
    with open_valkey(home) as valkey:
        for password in (None, "guess"):
            with pytest.raises(redis.AuthenticationError):
                redis.Redis(unix_socket_path=str(valkey.socket), password=password, retry=NO_RETRY).ping()


def test_only_its_owner_reaches_the_socket_and_reads_the_password(home: Path) -> None:
    with open_valkey(home) as valkey:
        folder = home / "valkey"
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.iterdir())}
        assert modes["valkey"] == 0o700
        assert modes["password"] == modes["valkey.conf"] == modes["log"] == 0o600
        assert stat.S_IMODE(valkey.socket.stat().st_mode) == 0o600


def test_the_password_is_in_no_command_line_and_no_log(home: Path) -> None:
    with open_valkey(home) as valkey:
        folder = home / "valkey"
        for name in ("keeper", "process"):
            pid = str(read_pid(folder / f"{name}.pid"))
            shown = subprocess.run(["ps", "-o", "args=", "-p", pid], capture_output=True, text=True, check=True).stdout
            assert shown.strip()
            assert valkey.password not in shown
        assert valkey.password not in (folder / "log").read_text()
        assert valkey.password not in (folder / "service.json").read_text()
        assert valkey.password not in repr(valkey)


def test_it_keeps_what_the_design_promises(home: Path) -> None:
    with open_valkey(home) as valkey:
        configured = connect(valkey.url).config_get("append*", "maxmemory-policy", "port", "save")
    assert configured["appendonly"] == "yes"
    assert configured["appendfsync"] == "always"
    assert configured["maxmemory-policy"] == "noeviction"
    assert (configured["port"], configured["save"]) == ("0", "")


def test_a_home_too_long_for_a_socket_gets_a_private_folder_for_it(tmp_path: Path, home: Path) -> None:
    home = home / ("very long " * 12).strip()
    with open_valkey(home) as valkey:
        assert len(os.fsencode(valkey.socket)) < 100
        assert stat.S_IMODE(valkey.socket.parent.stat().st_mode) == 0o700
        assert connect(valkey.url).ping()
    assert eventually(lambda: not is_running(home / "valkey"))
    valkey.socket.parent.rmdir()


def test_a_data_file_it_cannot_read_is_told_with_the_servers_own_words(home: Path) -> None:
    with open_valkey(home) as valkey:
        connect(valkey.url).set("kept", "yes")
    assert eventually(lambda: not is_running(home / "valkey"))
    (appended,) = (home / "valkey" / "appendonlydir").glob("*.incr.aof")
    appended.write_bytes(b"not a command" + appended.read_bytes())
    with pytest.raises(ServiceFailed, match="Bad file format reading the append only file"), open_valkey(home):
        pass


def test_a_large_data_file_is_waited_for_as_long_as_it_is_being_read(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_valkey(home) as valkey, connect(valkey.url).pipeline(transaction=False) as pipeline:
        for number in range(8_000):
            pipeline.set(f"kept {number}", "yes")
        pipeline.execute()
    assert eventually(lambda: not is_running(home / "valkey"))
    configure = embedded._configure
    slowly = "key-load-delay 500\n"  # microseconds: four seconds for all
    monkeypatch.setattr(embedded, "_configure", lambda *arguments: configure(*arguments) + slowly)
    monkeypatch.setattr(embedded, "START_PATIENCE_S", 2.0)
    with open_valkey(home) as valkey:
        assert connect(valkey.url).dbsize() == 8_000


def test_a_machine_without_a_server_is_told_to_set_redis_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    with pytest.raises(ValkeyMissing, match="Set REDIS_URL"):
        find_server()


def test_the_url_survives_a_home_with_spaces(tmp_path: Path) -> None:
    valkey = EmbeddedValkey(socket=tmp_path / "my home" / "valkey.sock", password="pw")
    assert connect(valkey.url).connection_pool.connection_kwargs["path"] == str(valkey.socket)
