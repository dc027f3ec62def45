import errno
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from inference_worker.model.checkpoint import find_checkpoint
from inference_worker.settings import WorkerSettings
from tests.inference_worker.model.folders import write_model
from tests.inference_worker.model.hub_server import NAME, look_at, serve
from threadsight.doctor.finding import Finding, Level
from threadsight.doctor.model import examine_model


def examine(**settings: str) -> Finding:
    (finding,) = examine_model(WorkerSettings.model_validate(settings))
    return finding


def test_the_built_in_model_is_complete() -> None:
    finding = examine(model="tiny")
    assert finding.level is Level.OK
    assert finding.found == "tiny, 6.9 M parameters, complete"


def test_a_folder_without_a_model_fails_and_says_what_is_missing(tmp_path: Path) -> None:
    finding = examine(model=str(tmp_path))
    assert finding.level is Level.FAIL
    assert "config.json" in finding.found


def test_a_folder_that_may_not_be_read_fails_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def may_not(_: Path) -> bool:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "is_dir", may_not)
    finding = examine(model=str(tmp_path))
    assert (finding.level, finding.found) == (
        Level.FAIL,
        f"The model in {tmp_path} cannot be read: Permission denied.",
    )


def test_a_model_that_was_never_fetched_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    finding = examine(model="microsoft/Phi-3.5-vision-instruct")
    assert (finding.level, finding.found) == (
        Level.WARN,
        "microsoft/Phi-3.5-vision-instruct is not on this machine yet",
    )


def test_a_model_that_was_fetched_is_complete_without_the_code_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = write_model(tmp_path / "served", vocab_size=4000)
    (served / "modeling_phi3_v.py").write_text("raise SystemExit")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    with serve(served) as hub:
        look_at(hub.url, monkeypatch)
        find_checkpoint(NAME)
    finding = examine(model=NAME)
    assert finding.level is Level.OK
    assert finding.found.endswith("M parameters, complete")


def test_a_folder_that_is_not_there_fails_as_the_worker_does() -> None:
    finding = examine(model="/models/phi-typo")
    assert finding.level is Level.FAIL
    assert "neither a folder here nor a name" in finding.found


@pytest.mark.parametrize("address", ["http://127.0.0.1:1/v1", "http://nowhere:x/v1"])
def test_a_key_with_a_line_end_is_told_and_not_shown(address: str) -> None:
    finding = examine(engine="openai", openai_base_url=address, openai_api_key="sk-SECRET\r")
    assert finding.level is Level.FAIL
    assert "SECRET" not in finding.found + finding.advice


class ModelServer(http.server.BaseHTTPRequestHandler):
    """Lists its models to whoever has the key."""

    key: ClassVar[str] = "right"

    def do_GET(self) -> None:
        is_ours = self.path == "/v1/models" and self.headers["Authorization"] == f"Bearer {self.key}"
        self.send_response(200 if is_ours else 401)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's name for it
        pass


@pytest.fixture
def address() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), ModelServer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()


def test_a_model_server_is_asked_with_its_key(address: str) -> None:
    right = examine(engine="openai", openai_base_url=address, openai_api_key="right")
    assert right.level is Level.OK
    wrong = examine(engine="openai", openai_base_url=address, openai_api_key="wrong")
    assert wrong.level is Level.FAIL
    assert "401" in wrong.found


def test_a_model_server_that_is_away_fails() -> None:
    finding = examine(engine="openai", openai_base_url="http://127.0.0.1:9/v1")
    assert finding.level is Level.FAIL
    assert "cannot be reached" in finding.found
