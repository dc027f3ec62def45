import msgspec
import pytest
import torch

from inference_worker import hardware
from inference_worker.errors import GpuMissing, ModelTooLarge
from inference_worker.settings import WorkerSettings
from tests.inference_worker.engine.small import small_config, small_model

MODEL = small_model()
TOKEN_BYTES = MODEL.kv_bytes_per_token


def test_a_gpu_that_is_asked_for_and_not_there_is_told_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert hardware.choose_device(WorkerSettings(device="auto")).type == "cpu"
    with pytest.raises(GpuMissing, match=r"WORKER_DEVICE is cuda, and torch 2\.\S+ finds no GPU"):
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
