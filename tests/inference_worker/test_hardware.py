from pathlib import Path

import msgspec
import pytest
import torch

from inference_worker import hardware
from inference_worker.errors import CachesTooLarge, CachesTooSmall, GpuMissing, ModelTooLarge, TorchWithoutCuda
from inference_worker.settings import WorkerSettings
from tests.inference_worker.engine.small import small_config, small_model

MODEL = small_model()
TOKEN_BYTES = MODEL.kv_bytes_per_token


def test_a_gpu_that_is_asked_for_and_not_there_is_told_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert hardware.choose_device(WorkerSettings(device="auto")).type == "cpu"
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    with pytest.raises(GpuMissing, match=r"older than CUDA 13\.0\. .*COMPOSE_PROFILES=cpu"):
        hardware.choose_device(WorkerSettings(device="cuda"))


def test_a_torch_that_could_use_no_gpu_is_told_as_that(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.version, "cuda", None)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(TorchWithoutCuda, match=r"torch 2\.\S+ is built without CUDA"):
        hardware.choose_device(WorkerSettings(device="cuda"))


def test_a_conversation_is_as_long_as_asked_for_where_memory_allows() -> None:
    assert hardware.choose_context(WorkerSettings(context=700), MODEL, budget_bytes=5000 * TOKEN_BYTES) == 700


def test_a_conversation_is_never_longer_than_the_model_was_made_for() -> None:
    longest = small_config().max_position_embeddings
    assert hardware.choose_context(WorkerSettings(context=50_000), MODEL, 10**6 * TOKEN_BYTES) == longest


def test_a_conversation_is_as_long_as_its_memory() -> None:
    roomy = small_model()
    roomy.config = msgspec.structs.replace(small_config(), max_position_embeddings=100_000)
    assert hardware.choose_context(WorkerSettings(context=16_384), roomy, 3000 * TOKEN_BYTES) == 3000


def test_no_room_for_a_short_conversation_is_told_in_words() -> None:
    roomy = small_model()
    roomy.config = msgspec.structs.replace(small_config(), max_position_embeddings=100_000)
    with pytest.raises(ModelTooLarge) as refused:
        hardware.choose_context(WorkerSettings(context=16_384), roomy, budget_bytes=500 * TOKEN_BYTES)
    assert "free on cpu beside its weights" in refused.value.sentence


def test_caches_larger_than_what_is_free_are_refused_before_they_fill() -> None:
    with pytest.raises(CachesTooLarge, match="WORKER_KV_GB is 1e\\+06, and"):
        hardware.kv_budget_bytes(WorkerSettings(kv_gb=1e6), torch.device("cpu"))


def test_caches_that_hold_no_conversation_name_the_setting() -> None:
    settings = WorkerSettings(kv_gb=500 * TOKEN_BYTES / 1e9)
    roomy = small_model()
    roomy.config = msgspec.structs.replace(small_config(), max_position_embeddings=100_000)
    with pytest.raises(CachesTooSmall, match="WORKER_KV_GB is"):
        hardware.choose_context(settings, roomy, hardware.kv_budget_bytes(settings, torch.device("cpu")))


@pytest.mark.parametrize(("weights", "dtype", "gigabytes"), [
    ("", torch.bfloat16, 8.3), ("", torch.float32, 16.6), ("int8", torch.bfloat16, 4.7), ("int8", torch.float32, 5.7),
])  # fmt: skip
def test_weights_in_one_byte_take_one_whatever_the_others_take(
    monkeypatch: pytest.MonkeyPatch, weights: str, dtype: torch.dtype, gigabytes: float
) -> None:
    monkeypatch.setattr(hardware, "weight_bytes", lambda _: 8_300_000_000)  # Phi-3.5-vision's
    settings, here = WorkerSettings(**({"weights": weights} if weights else {})), torch.device("cpu")
    monkeypatch.setattr(hardware, "free_bytes", lambda _: (gigabytes + 0.1) * 1e9)
    hardware.check_fit(settings, Path(), here, dtype)
    monkeypatch.setattr(hardware, "free_bytes", lambda _: (gigabytes - 0.1) * 1e9)
    with pytest.raises(ModelTooLarge):
        hardware.check_fit(settings, Path(), here, dtype)


# Weights that were read twice are active.
CACHES = "anon 1\ninactive_file 500000\nactive_file 200000\n"


@pytest.mark.parametrize(("mine", "limited"), [("0::/\n", ""), ("4:memory:/x\n0::/app/worker\n", "app")])
def test_memory_ends_where_the_container_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mine: str, limited: str
) -> None:
    (tmp_path / "cgroup").write_text(mine)
    folder = tmp_path / "groups" / limited
    folder.mkdir(parents=True)
    for name, content in {"max": "3000000", "current": "2500000", "stat": CACHES}.items():
        (folder / f"memory.{name}").write_text(content)
    monkeypatch.setattr(hardware, "OWN_CGROUP", tmp_path / "cgroup")
    monkeypatch.setattr(hardware, "CGROUPS", tmp_path / "groups")
    assert hardware.free_bytes(torch.device("cpu")) == 1_200_000
    (folder / "memory.max").write_text("max\n")
    assert hardware.free_bytes(torch.device("cpu")) > 10_000_000
