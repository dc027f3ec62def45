import os
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.threadsight.processes import eventually, is_alive, is_running, kill, read_pid
from threadsight.service import Service, ServiceFailed, ServiceInUse

SLEEPER = ["/bin/sleep", "60"]


def pid_of(service: Service) -> int:
    assert eventually((service.folder / "process.pid").exists)
    return read_pid(service.folder / "process.pid")


def test_a_process_ends_at_once_when_its_last_user_does_not_ask_it_to_linger(home: Path) -> None:
    service = Service(home / "worker", SLEEPER)
    with service.use():
        pid = pid_of(service)
    assert eventually(lambda: not is_running(service.folder), patience_s=2.0)
    assert not is_alive(pid)


def test_a_process_lingers_for_the_next_user_and_then_ends_by_itself(home: Path) -> None:
    service = Service(home / "worker", SLEEPER)
    with service.use(linger_s=1.0):
        pid = pid_of(service)
    time.sleep(0.5)
    with service.use(linger_s=1.0):
        assert pid_of(service) == pid
    left = time.monotonic()
    assert eventually(lambda: not is_running(service.folder))
    assert 0.8 < time.monotonic() - left < 3.0


def test_a_process_that_nobody_uses_gives_way_to_one_with_other_settings(home: Path) -> None:
    with Service(home / "worker", SLEEPER, settings="tiny").use(linger_s=60.0):
        tiny = pid_of(Service(home / "worker", SLEEPER))
    large = Service(home / "worker", SLEEPER, settings="large")
    with large.use():
        assert pid_of(large) != tiny
        assert not is_alive(tiny)


def test_nobody_changes_the_settings_under_a_process_in_use(home: Path) -> None:
    service = Service(home / "worker", SLEEPER, settings="tiny")
    with service.use():
        pid = pid_of(service)
        with pytest.raises(ServiceInUse), Service(home / "worker", SLEEPER, settings="large").use():
            pass
        assert is_alive(pid)


def test_a_killed_process_is_started_again(home: Path) -> None:
    service = Service(home / "worker", SLEEPER)
    with service.use():
        first = pid_of(service)
        kill(first)
        assert eventually(lambda: pid_of(service) != first)
        assert is_alive(pid_of(service))


def test_a_process_that_says_it_is_hopeless_is_asked_once_and_its_last_words_are_told(home: Path) -> None:
    says_so = [sys.executable, "-c", "print('starting', flush=True); print('no such model'); raise SystemExit(78)"]
    service = Service(home / "worker", says_so)

    def check() -> bool:
        service.check()
        return False

    with service.use(), pytest.raises(ServiceFailed, match="no such model"):
        eventually(check)
    assert (home / "worker" / "log").read_text().count("starting") == 1


def test_a_failure_is_forgotten_when_somebody_tries_again(home: Path) -> None:
    broken = Service(home / "worker", [sys.executable, "-c", "raise SystemExit(78)"])
    with broken.use():
        assert eventually((home / "worker" / "failure").exists)
    repaired = Service(home / "worker", SLEEPER)
    with repaired.use():
        repaired.check()
        assert eventually(lambda: is_running(repaired.folder))


def test_a_process_is_asked_politely_to_end(home: Path) -> None:
    polite = "import signal, sys; signal.signal(15, lambda *_: sys.exit(print('bye'))); print('hi', flush=True); signal.pause()"
    service = Service(home / "worker", [sys.executable, "-c", polite])
    with service.use():
        assert eventually(lambda: "hi" in service.log.read_text())
    assert eventually(lambda: not is_running(service.folder))
    assert service.log.read_text().split() == ["hi", "bye"]


def test_a_keeper_that_is_asked_to_end_does_so_whatever_it_is_doing(home: Path) -> None:
    service = Service(home / "worker", SLEEPER)
    with service.use(linger_s=60.0):
        pid = pid_of(service)
    os.kill(read_pid(service.folder / "keeper.pid"), signal.SIGTERM)
    assert eventually(lambda: not is_running(service.folder), patience_s=2.0)
    assert not is_alive(pid)
    assert not (service.folder / "keeper.pid").exists()
