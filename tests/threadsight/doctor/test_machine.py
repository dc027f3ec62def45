import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from inference_worker.settings import WorkerSettings
from threadsight.doctor.finding import Level
from threadsight.doctor.machine import examine_disk, examine_torch


def examine(**settings: str) -> dict[str, Level]:
    return {finding.subject: finding.level for finding in examine_torch(WorkerSettings.model_validate(settings))}


def test_only_the_real_model_misses_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert examine(model="tiny")["GPU"] is Level.OK
    assert examine(model="microsoft/Phi-3.5-vision-instruct")["GPU"] is Level.WARN
    assert examine(model="tiny", device="cuda")["GPU"] is Level.FAIL


@pytest.mark.parametrize(
    ("cuda", "advice"), [("13.0", "it may be missing, or older than CUDA 13.0"), (None, "install a torch with CUDA")]
)
def test_a_gpu_that_is_not_found_is_told_with_what_torch_wants(
    cuda: str | None, advice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.version, "cuda", cuda)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for settings in ({"device": "cuda"}, {"model": "microsoft/Phi-3.5-vision-instruct"}):
        (gpu,) = [found for found in examine_torch(WorkerSettings.model_validate(settings)) if found.subject == "GPU"]
        assert advice in gpu.advice


def test_a_machine_that_runs_no_model_itself_needs_no_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert examine(engine="openai") == {}
    assert examine() == {"Torch": Level.WARN}


@pytest.mark.parametrize(
    ("capability", "installed", "level", "found"),
    [
        ((9, 0), {"flash_attn_interface"}, Level.OK, "version 3"),
        ((8, 6), {"flash_attn_interface"}, Level.WARN, "not installed; torch's own attention is used"),
        (
            (8, 6),
            {"flash_attn"},
            Level.WARN,
            "not installed; torch's own attention is used",
        ),  # another library's folder
        ((9, 0), set(), Level.WARN, "not installed; torch's own attention is used"),
    ],
)
def test_the_attention_library_is_the_one_that_this_gpu_would_use(
    capability: tuple[int, int], installed: set[str], level: Level, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpu = SimpleNamespace(name="H", total_memory=8e9)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: gpu)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: capability)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name if name in {"torch", *installed} else None)
    finding = next(finding for finding in examine_torch(WorkerSettings()) if finding.subject == "flash-attn")
    assert (finding.level, finding.found) == (level, found)


@pytest.mark.parametrize(("free_gb", "level"), [(0.1, Level.FAIL), (2, Level.WARN), (50, Level.OK)])
def test_room_is_measured_where_the_home_will_be(
    free_gb: float, level: Level, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disks = {tmp_path: SimpleNamespace(free=free_gb * 1e9)}
    monkeypatch.setattr(shutil, "disk_usage", disks.__getitem__)
    (finding,) = examine_disk(tmp_path / "not" / "there" / "yet")
    assert finding.level is level
