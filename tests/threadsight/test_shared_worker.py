import json
from pathlib import Path

import pytest

from inference_worker.status import WorkerStatus
from jobs.settings import SettingMisspelt
from tests.threadsight.processes import eventually
from threadsight.loading import words_for
from threadsight.service import Service
from threadsight.shared_worker import SharedWorker, choose_environment, open_worker


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("WORKER_MODEL", "WORKER_THREADS", "REDIS_URL", "DISCORD_TOKEN", "HF_HOME"):
        monkeypatch.delenv(name, raising=False)


def test_the_worker_gets_its_settings_from_wherever_they_stand(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("WORKER_MODEL=tiny\nWORKER_THREADS=1\nDISCORD_TOKEN=hush\n")
    monkeypatch.setenv("WORKER_THREADS", "2")
    monkeypatch.setenv("WORKER_MODEL", "")
    assert choose_environment(home) == {
        "WORKER_MODEL": "tiny",
        "WORKER_THREADS": "2",
        "THREADSIGHT_HOME": str(home),
        "WORKER_STATUS_FILE": str(home / "worker" / "status.json"),
    }


def test_a_model_named_by_a_relative_path_is_found_from_anywhere(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "phi").mkdir()
    monkeypatch.setenv("WORKER_MODEL", "phi")
    assert choose_environment(home)["WORKER_MODEL"] == str(tmp_path / "phi")
    monkeypatch.setenv("WORKER_MODEL", "microsoft/Phi-3.5-vision-instruct")
    assert choose_environment(home)["WORKER_MODEL"] == "microsoft/Phi-3.5-vision-instruct"


def test_the_models_of_the_hub_are_where_they_are_for_every_command(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tiny").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HOME", "models")
    monkeypatch.setenv("WORKER_MODEL", "tiny")
    environment = choose_environment(home)
    assert environment["HF_HOME"] == str(tmp_path / "models")
    assert environment["WORKER_MODEL"] == "tiny"


def test_a_misspelt_setting_starts_no_worker(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKER_MODLE", "tiny")
    with pytest.raises(SettingMisspelt), open_worker(home):
        pass
    assert list(home.iterdir()) == []


def test_what_a_worker_said_is_gone_with_its_keeper_however_that_ended(home: Path) -> None:
    folder = home / "worker"
    folder.mkdir()
    (folder / "status.json").write_text(json.dumps({"state": "ready", "pid": 1, "sentence": "killed since"}))
    (folder / "process.pid").write_text("1")
    service = Service(folder, ["/bin/sleep", "60"])
    with service.use():
        assert not (folder / "status.json").exists()
        assert eventually(lambda: (folder / "process.pid").read_text() != "1")


def test_only_the_living_process_says_how_far_it_is(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = home / "worker"
    folder.mkdir()
    said = [
        {"state": "ready", "pid": 1, "sentence": "of an earlier process"},
        {"state": "loading", "pid": 2, "done_bytes": 1_000_000_000, "total_bytes": 8_000_000_000},
        {"state": "ready", "pid": 2, "sentence": "tiny"},
    ]
    (folder / "process.pid").write_text("2")

    def time_passes(_seconds: float) -> None:
        (folder / "status.json").write_text(json.dumps(said.pop(0)))

    monkeypatch.setattr("threadsight.shared_worker.time.sleep", time_passes)
    shown: list[WorkerStatus] = []
    status = SharedWorker(Service(folder, [])).wait_until_ready(shown.append)
    assert status.sentence == "tiny"
    assert [words_for(status) for status in shown] == ["Loading the model: 1.0 of 8.0 GB"]
