import errno
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants

from inference_worker.errors import ModelNotFound, ModelNotStored, ModelUnreachable
from inference_worker.model.checkpoint import find_checkpoint, load_model
from tests.inference_worker.model.folders import write_model
from tests.inference_worker.model.hub_server import NAME, Hub, look_at, serve

NOBODY = "http://127.0.0.1:9"  # the discard port


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub with one model, beside it what must never be fetched; and a cache of our own."""
    folder = write_model(tmp_path / "served", vocab_size=4000)
    (folder / "modeling_phi3_v.py").write_text("raise SystemExit")
    (folder / "pytorch_model.bin").write_bytes(b"pickle")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    with serve(folder) as hub:
        look_at(hub.url, monkeypatch)
        yield hub


def test_a_model_comes_from_the_hub_by_name_without_code_and_pickles(hub: Hub) -> None:
    folder = find_checkpoint(NAME)
    assert {file.name for file in folder.iterdir()} == {"config.json", "model.safetensors"}
    loaded, served = (load_model(place, dtype=torch.float32).state_dict() for place in (folder, hub.folder))
    assert all(torch.equal(loaded[name], weight) for name, weight in served.items())


def test_progress_counts_the_bytes_that_come(hub: Hub) -> None:
    told: list[tuple[int, int]] = []
    folder = find_checkpoint(NAME, progress=lambda *step: told.append(step))
    size = sum(file.stat().st_size for file in folder.iterdir())
    assert told[-1] == (size, size)
    assert all(0 <= done <= total <= size for done, total in told)


def test_a_broken_connection_is_taken_up_where_it_broke(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 10_000)  # bytes; what is not a whole chunk comes again
    hub.cut_after = 60_000
    load_model(find_checkpoint(NAME), dtype=torch.float32)
    starts = [start for name, start in hub.fetched if name == "model.safetensors"]
    assert starts == list(range(0, (hub.folder / "model.safetensors").stat().st_size, 60_000))


def test_a_download_given_up_keeps_the_files_that_are_whole(hub: Hub) -> None:
    hub.cut_after = 2_000  # more than the config, less than a chunk of the weights
    with pytest.raises(ModelUnreachable):
        find_checkpoint(NAME)
    hub.cut_after = None
    hub.fetched.clear()
    load_model(find_checkpoint(NAME), dtype=torch.float32)
    assert hub.fetched == [("model.safetensors", 0)]


def test_what_is_here_already_needs_no_hub(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = find_checkpoint(NAME)
    look_at(NOBODY, monkeypatch)
    assert find_checkpoint(NAME) == folder


def test_a_name_that_the_hub_does_not_have_is_told(hub: Hub) -> None:
    with pytest.raises(ModelNotFound, match="someone/else"):
        find_checkpoint("someone/else")


def test_a_hub_that_cannot_be_reached_is_told(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    look_at(NOBODY, monkeypatch)
    with pytest.raises(ModelUnreachable, match="cannot be reached"):
        find_checkpoint(NAME)


def test_a_full_disk_is_told_as_one(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(*_: object, **__: object) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("huggingface_hub.snapshot_download", fetch)
    with pytest.raises(ModelNotStored, match=r"cannot be stored on this machine \(No space left on device\)"):
        find_checkpoint(NAME)
