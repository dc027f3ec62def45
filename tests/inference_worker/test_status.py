from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
import structlog

from inference_worker.status import LOG_INTERVAL_S, StatusFile, WorkerStatus


def test_the_file_says_how_far_it_is(tmp_path: Path) -> None:
    path = tmp_path / "status.json"
    with structlog.testing.capture_logs() as logged:
        status = StatusFile(path)
        status.loading(1, 2)
        loading = msgspec.json.decode(path.read_bytes(), type=WorkerStatus)
        status.ready("tiny")
    assert (loading.state, loading.done_bytes, loading.total_bytes) == ("loading", 1, 2)
    assert msgspec.json.decode(path.read_bytes(), type=WorkerStatus).state == "ready"
    assert logged == []


def test_threads_that_fetch_at_once_tell_of_it_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inference_worker.status.WRITE_INTERVAL_S", 0.0)
    path = tmp_path / "status.json"
    status = StatusFile(path)

    def fetch(_: int) -> None:
        for done_bytes in range(200):
            status.loading(done_bytes, 200)

    with ThreadPoolExecutor(8) as threads:
        for _ in threads.map(fetch, range(8)):
            assert msgspec.json.decode(path.read_bytes(), type=WorkerStatus).state == "loading"


def test_where_no_file_is_read_the_log_tells_it_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("inference_worker.status.time.monotonic", lambda: now)
    status = StatusFile(None)
    with structlog.testing.capture_logs() as logged:
        for done_bytes in range(0, 8_000_000_000, 500_000_000):
            status.loading(done_bytes, 8_300_000_000)
            now += LOG_INTERVAL_S / 4
    assert [line["done_gb"] for line in logged] == [2.0, 4.0, 6.0]
    assert {(line["event"], line["total_gb"]) for line in logged} == {("loading", 8.3)}
