import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inference_worker.model.checkpoint import TINY
from inference_worker.model.rope import RotaryEmbedding
from inference_worker.model.tokenizer import Tokenizer
from tests.golden import model
from tests.golden.folder import GoldenFolder
from tests.golden.replay import Summary, judge, main, replay
from tests.inference_worker.model.folders import SMALL, write_config

VECTORS = Path(__file__).parent / "vectors"


def run(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *options: str
) -> tuple[int, list[str]]:
    """The command's exit code and what it says."""
    monkeypatch.setattr(sys, "argv", ["replay", str(folder), *options])
    return main(), capsys.readouterr().out.splitlines()


def copy_of(folder: Path, section: str, to: Path) -> Path:
    shutil.copytree(folder / section, to / section)
    return to


@pytest.fixture(scope="module")
def summary() -> Summary:
    return replay(GoldenFolder(VECTORS))


def test_every_vector_is_matched(summary: Summary) -> None:
    assert {name: section["bad"] for name, section in summary.items()} == dict.fromkeys(summary, 0)


def test_logits_stay_as_near_as_a_right_port_can(summary: Summary) -> None:
    assert 0 < summary["model"]["max_logit_diff"] < 1e-4


def test_sections_that_a_folder_does_not_have_count_no_cases(summary: Summary) -> None:
    assert {name: section["cases"] for name, section in summary.items()} == {
        "preprocess": 26,
        "tokenize": 0,
        "rope": 0,
        "model": 15,
    }


def test_an_empty_folder_is_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, lines = run(tmp_path, monkeypatch, capsys)
    assert code == 0
    assert json.loads(lines[-1]) == {
        "preprocess": {"cases": 0, "bad": 0},
        "tokenize": {"cases": 0, "bad": 0},
        "rope": {"cases": 0, "bad": 0},
        "model": {"cases": 0, "bad": 0, "max_logit_diff": 0.0},
    }


def test_a_bad_case_is_named_with_its_reason_and_fails_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stored = json.loads((VECTORS / "preprocess/preprocess.json").read_text())
    stored["cases"] = stored["cases"][:2]
    stored["cases"][1]["num_img_tokens"] += 1
    (tmp_path / "preprocess").mkdir()
    (tmp_path / "preprocess/preprocess.json").write_text(json.dumps(stored))
    (tmp_path / "model/checkpoint").mkdir(parents=True)
    shutil.copy(VECTORS / "model/checkpoint/config.json", tmp_path / "model/checkpoint")
    code, lines = run(tmp_path, monkeypatch, capsys)
    assert code == 1
    assert lines[0] == "preprocess: nc4_1344x336_RGB_s2: num_img_tokens: 745 instead of 746"
    assert json.loads(lines[-1])["preprocess"] == {"cases": 2, "bad": 1}


def test_a_model_that_cannot_be_loaded_is_bad_in_every_case(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = copy_of(VECTORS, "model", tmp_path)
    (folder / "model/checkpoint/model.safetensors").unlink()
    code, lines = run(folder, monkeypatch, capsys)
    assert code == 1
    assert "missing model.safetensors" in lines[0]
    assert json.loads(lines[-1])["model"]["bad"] == 15


def test_the_tokeniser_may_lie_in_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tokenizer = Tokenizer(TINY)
    red, shape = tokenizer.encode_untrusted("red shape")
    assistant = tokenizer.assistant_id
    stored = {
        "text": [
            {
                "text": "<|assistant|>\nred shape",
                "input_ids": [1, assistant, red, shape],
                "ids_no_special": [assistant, red, shape],
                "decoded": "<s><|assistant|> red shape",
                "decoded_skip_special": "red shape",
            }
        ],
        "multimodal": [
            {
                "prompt": "<|image_1|>red<|image_2|>",
                "images": [[336, 336, 1, "RGB"], [1344, 336, 2, "RGB"]],
                "num_crops": 4,
                "input_ids_rle": [[1, 1], [-1, 757], [1, 1], [red, 1], [-2, 745], [1, 1]],
                "image_sizes": [[672, 672], [336, 1344]],
            }
        ],
        "errors": [
            {
                "prompt": "<|image_1|><|image_3|>",
                "n_images": 2,
                "message": "image_ids must start from 1, and must be continuous int, e.g. [1, 2, 3], cannot be [1, 3]",
            }
        ],
    }
    (tmp_path / "tokenize").mkdir()
    (tmp_path / "tokenize/tokenize.json").write_text(json.dumps(stored))
    (tmp_path / "model/checkpoint").mkdir(parents=True)
    shutil.copy(VECTORS / "model/checkpoint/config.json", tmp_path / "model/checkpoint")
    code, lines = run(tmp_path, monkeypatch, capsys)
    assert code == 1
    assert lines[0].endswith("no tokenizer/tokenizer.json: name its folder with --tokenizer")
    code, lines = run(tmp_path, monkeypatch, capsys, "--tokenizer", str(TINY))
    assert (code, lines[:-1]) == (0, [])
    assert json.loads(lines[-1])["tokenize"] == {"cases": 3, "bad": 0}


@pytest.mark.parametrize(("off", "bad"), [(0.0, 0), (1e-3, 1)])
def test_angles_are_replayed_with_the_config_that_is_there(tmp_path: Path, off: float, bad: int) -> None:
    folder = write_config(tmp_path / "model/checkpoint").parents[1]
    factors = np.array(SMALL["rope_scaling"]["long_factor"])
    angles = np.array([[0], [20]]) / (np.tile(factors, 2) * 10000.0 ** (np.tile(np.arange(4), 2) / 4))
    (folder / "rope").mkdir()
    (folder / "rope/rope.json").write_text('{"long_positions": [0, 20]}')
    vectors: dict[str, Any] = {"x.long.cos": 2**0.5 * np.cos(angles) + off, "x.long.sin": 2**0.5 * np.sin(angles)}
    np.savez(folder / "rope/rope.npz", **vectors)
    assert replay(GoldenFolder(folder))["rope"] == {"cases": 1, "bad": bad}


@pytest.mark.parametrize(
    ("long_from", "bad"),
    [
        (10**6, {"long_text_4097", "crossing_text_4088"}),  # never changes the factors, and keeps a stale cache
        (4096, {"long_text_4096", "crossing_text_4088"}),  # changes one token too early
    ],
)
def test_the_vectors_tell_a_wrong_border_from_the_right_one(
    long_from: int, bad: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RotaryEmbedding, "uses_long", lambda _, total: total >= long_from)
    names = {"text_only", "long_text_4096", "long_text_4097", "crossing_text_4088"}
    cases = [case for case in model.cases(GoldenFolder(VECTORS)) if case.name in names]
    assert {case.name for case in cases if judge(case).problems} == bad
