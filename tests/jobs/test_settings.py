import sys
from pathlib import Path

import pytest

from jobs.settings import SettingsUnreadable, SettingWrong, StoreSettings, read_variables


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.chdir(str(tmp_path))


@pytest.mark.parametrize(
    "address",
    [
        "redis://:hunter2#x@host:6379/0",
        "redis://:hunter2?x@host:6379/0",
        "redis://:hunter2/x@host:6379/0",
        "redis://:1#hunter2@host:6379/0",
        "rediss://somebody:a@hunter2/x@host",
        "redis://:hunter2",
        "redis://:hunter2[@host",
        "unix://:hunter2/x@/run/redis.sock",
        "hunter2:6379",
        "http://hunter2",
    ],
)
def test_an_address_that_is_none_is_refused_without_a_word_of_it(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", address)
    with pytest.raises(SettingWrong) as refused:
        StoreSettings.read()
    assert refused.value.sentence == (
        "REDIS_URL: write it like redis://:password@host:6379/0, and / ? # in a name or password as %2F %3F %23."
    )


@pytest.mark.parametrize(
    "address",
    [
        "redis://localhost",
        "redis://localhost:6379/0?socket_timeout=3",
        "rediss://somebody:p%2F%3F%23@redis.example.org:6380/1",
        "redis://:p@ss@host",
        "redis://[::1]:6379",
        "unix:///run/redis@home.sock",
        "unix://:secret@/run/redis.sock?db=0",
    ],
)
def test_an_address_is_taken_as_it_is(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", address)
    assert StoreSettings.read().required_url() == address


@pytest.mark.parametrize(
    ("written", "line"),
    [
        ("QUEUE_LEASE_S=9\n".encode("utf-16"), 1),
        ("# Bei uns\n# f\xfcr alle\nREDIS_URL=redis://:hunter2@host\n".encode("latin-1"), 2),
    ],
)
def test_a_file_in_another_encoding_is_told_by_its_first_such_line(written: bytes, line: int) -> None:
    Path(".env").write_bytes(written)
    with pytest.raises(SettingsUnreadable) as refused:
        StoreSettings.read()
    assert (
        refused.value.sentence
        == f"The settings in {Path('.env').absolute()} cannot be read (line {line} is not UTF-8)."
    )


def test_a_mark_that_windows_puts_before_the_text_is_no_part_of_the_first_name() -> None:
    Path(".env").write_text("QUEUE_LEASE_S=9\n", encoding="utf-8-sig")
    assert StoreSettings.read().lease_s == 9


@pytest.mark.skipif(sys.platform != "linux", reason="a file that even root cannot read")
def test_a_file_that_is_not_ours_to_read_is_told() -> None:
    Path(".env").symlink_to("/proc/self/mem")
    with pytest.raises(SettingsUnreadable, match=r"cannot be read \(Input/output error\)"):
        StoreSettings.read()


def test_the_environment_wins_unless_it_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("QUEUE_LEASE_S=9\nQUEUE_MAX_WAITING=3\nQUEUE_MAX_ATTEMPTS=\n")
    monkeypatch.setenv("QUEUE_LEASE_S", "8")
    monkeypatch.setenv("QUEUE_MAX_WAITING", "")
    ours = {name: value for name, value in read_variables().items() if name.startswith("QUEUE_")}
    assert ours == {"QUEUE_LEASE_S": "8", "QUEUE_MAX_WAITING": "3"}


@pytest.mark.parametrize("number", ["inf", "nan"])
def test_a_time_is_a_number_of_seconds(number: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUEUE_RETENTION_S", number)
    with pytest.raises(SettingWrong, match="QUEUE_RETENTION_S: Input should be a finite number"):
        StoreSettings.read()


@pytest.mark.parametrize("heartbeat_s", ["4", "30"])
def test_work_is_not_given_up_between_two_signs_of_life(heartbeat_s: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUEUE_LEASE_S", "9")
    monkeypatch.setenv("QUEUE_HEARTBEAT_S", "3")
    assert StoreSettings.read().heartbeat_s == 3
    monkeypatch.setenv("QUEUE_HEARTBEAT_S", heartbeat_s)
    with pytest.raises(SettingWrong, match="QUEUE_HEARTBEAT_S: not more than a third of QUEUE_LEASE_S"):
        StoreSettings.read()
