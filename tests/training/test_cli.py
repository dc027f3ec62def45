"""The commands, as somebody types them."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from typer.testing import CliRunner, Result

from inference_worker.model.checkpoint import TINY
from tests.training.drawn import DIALOGUE
from training import smoke
from training.cli import app
from training.records import FILE, read_records, write_records
from training.schedule import Schedule
from training.settings import TrainingSettings, write_settings

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def environment() -> Iterator[None]:
    """Every command may set its own; nothing of it stays."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


def run(*words: object) -> Result:
    return CliRunner(env={"COLUMNS": "1000"}).invoke(app, [str(word) for word in words])


def refusal(*words: object) -> str:
    """What is said of a command that cannot be carried out; on one line, without the frame around it."""
    result = run(*words)
    assert result.exit_code == 2, result.output
    assert isinstance(result.exception, SystemExit), "told, not thrown"
    return " ".join(result.stderr.replace("│", " ").split())


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_same_seed_draws_the_same_files_and_another_seed_others(tmp_path: Path) -> None:
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        result = run("draw", "--out", tmp_path / name, "--count", 3, "--seed", seed)
        assert result.exit_code == 0
        assert "3 dialogues" in result.stdout
    first, second, other = (content(tmp_path / name) for name in "abc")
    assert first == second
    assert first[FILE] != other[FILE]


def test_what_is_drawn_is_what_is_told(tmp_path: Path) -> None:
    said = run("draw", "--out", tmp_path, "--count", 4).stdout
    records = read_records(tmp_path)
    pictures = {name for record in records for name in record.pictures}
    assert said.startswith(
        f"4 dialogues, {len(pictures)} pictures, {sum(len(record.turns) for record in records)} questions"
    )
    assert {path.name for path in tmp_path.iterdir()} == {*pictures, FILE}


@pytest.mark.parametrize(("split", "held_out"), [("seen", False), ("held-out", True)])
def test_a_split_decides_what_is_drawn_from(tmp_path: Path, split: str, held_out: bool) -> None:  # noqa: FBT001 - parametrized
    assert run("draw", "--out", tmp_path, "--count", 12, "--split", split).exit_code == 0
    turns = [turn for record in read_records(tmp_path) for turn in record.turns]
    assert any(turn.held_out for turn in turns) is held_out
    assert any(turn.phrasing_held_out for turn in turns) is held_out


def test_an_evaluation_ends_with_one_line_of_json_and_writes_its_page(tmp_path: Path) -> None:
    list(write_records([DIALOGUE], tmp_path / "drawn"))
    page = tmp_path / "pages" / "wrong.html"
    result = run("evaluate", "--data", tmp_path / "drawn", "--processes", 1, "--report", page)
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout.splitlines()[-1])
    assert (told["model"], told["dialogues"], told["asked"]) == ("tiny", 1, 3)
    assert told["right"] == sum(task["right"] for task in told["by"]["task"].values())
    assert f"{told['asked'] - told['right']} of 3 wrong" in page.read_text()


def test_an_evaluation_of_nothing_is_refused(tmp_path: Path) -> None:
    assert f"{tmp_path / FILE} is not there" in refusal("evaluate", "--data", tmp_path)
    (tmp_path / FILE).write_text("")
    assert f"{tmp_path / FILE} is empty" in refusal("evaluate", "--data", tmp_path)


def test_a_line_that_is_no_dialogue_and_a_picture_that_is_none_are_named(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("{}\n")
    assert "line 1" in refusal("evaluate", "--data", tmp_path)
    (tmp_path / FILE).write_text('{"pictures": ["a.png"], "turns": [{"question": "What?", "answer": "That."}]}\n')
    (tmp_path / "a.png").write_text("not a picture")
    assert f"{tmp_path / 'a.png'} is not a picture" in refusal("evaluate", "--data", tmp_path)
    Image.effect_noise((60, 60), 50).save(tmp_path / "a.png")
    (tmp_path / "a.png").write_bytes((tmp_path / "a.png").read_bytes()[:1000])  # cut off
    assert f"{tmp_path / 'a.png'} is not a picture" in refusal("evaluate", "--data", tmp_path)


def test_a_model_that_is_not_there_is_named(tmp_path: Path) -> None:
    list(write_records([DIALOGUE], tmp_path))
    nowhere = tmp_path / "nowhere"
    assert str(nowhere) in refusal("evaluate", "--data", tmp_path, "--processes", 1, "--model", nowhere)
    assert f"{nowhere} is neither" in refusal("train", "--out", tmp_path / "run", "--init", nowhere)
    assert f"{nowhere} holds no training" in refusal("export", "--run", nowhere, "--out", tmp_path / "out")
    for part in (f"1={nowhere}", "1=", f"{TINY}", f"none={TINY}", f"-1={TINY}", f"inf={TINY}"):
        assert f"{part} is no WEIGHT=STATE" in refusal("average", f"1={TINY}", "--out", tmp_path / "out", "--", part)
    assert "PARTS" in refusal("average", f"1={TINY}", f"1={tmp_path}", "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "run").exists()
    (tmp_path / "checkpoint.pt").write_bytes(b"half of one")
    assert "is no checkpoint" in refusal("average", f"1={tmp_path / 'checkpoint.pt'}", "--out", tmp_path / "out")
    assert "holds a training" in refusal("average", f"1={TINY}", "--out", tmp_path)
    assert "--run" in refusal("export", "--run", tmp_path, "--out", tmp_path / "out")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_not_there_is_told_before_anything_is_drawn(tmp_path: Path) -> None:
    assert "torch finds no GPU here" in refusal("train", "--out", tmp_path / "run", "--device", "cuda")


def test_a_decoder_that_is_too_shallow_to_train_is_refused_before_anything_is_drawn(tmp_path: Path) -> None:
    assert "5 are too few" in refusal("train", "--out", tmp_path, "--layers", 5, "--processes", 1)
    assert not (tmp_path / "model").exists()


def test_a_folder_is_not_written_where_a_file_stands(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    for words in (("draw",), ("train",), ("export", "--run", tmp_path)):
        assert "is a file" in refusal(*words, "--out", file)
    assert file.read_text() == "mine"


def test_a_training_is_neither_begun_over_an_earlier_one_nor_gone_on_with_where_there_is_none(tmp_path: Path) -> None:
    assert "holds no training yet" in refusal("train", "--out", tmp_path, "--resume")
    (tmp_path / "checkpoint.pt").write_bytes(b"")
    assert "--resume goes on with it" in refusal("train", "--out", tmp_path)
    assert "settings.json is not there" in refusal("train", "--out", tmp_path, "--resume")
    assert (tmp_path / "checkpoint.pt").read_bytes() == b""


def test_a_training_goes_on_as_it_was_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = TrainingSettings(out=tmp_path, schedule=Schedule(minutes=110), seed=7, processes=1)
    write_settings(told)
    (tmp_path / "checkpoint.pt").write_bytes(b"")
    ran: list[TrainingSettings] = []
    monkeypatch.setattr("training.trainer.train", ran.append)
    assert "without --minutes, --seed" in refusal(
        "train", "--out", tmp_path, "--resume", "--seed", 0, "--minutes", 110
    ), "even if they are as before"
    assert run("train", "--out", tmp_path, "--resume").exit_code == 0
    assert ran == [told]


def test_a_mean_is_a_checkpoint_that_can_be_exported(tmp_path: Path) -> None:
    mean, model = tmp_path / "mean", tmp_path / "model"
    assert run("average", f"3={TINY}", f"1={TINY}", "--out", mean).exit_code == 0
    assert run("export", "--run", mean, "--out", model).exit_code == 0
    assert load_file(model / "model.safetensors").keys() == load_file(TINY / "model.safetensors").keys()


def test_states_are_kept_when_it_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[TrainingSettings] = []
    monkeypatch.setattr("training.trainer.train", ran.append)
    assert run("train", "--out", tmp_path, "--keep-every", 15, "--device", "cpu").exit_code == 0
    assert run("train", "--out", tmp_path, "--device", "cpu").exit_code == 0
    assert [settings.keep_every_s for settings in ran] == [900, None]


def test_a_card_is_made_of_what_was_evaluated_and_of_nothing_else(tmp_path: Path) -> None:
    told = tmp_path / "told.json"
    told.write_text(json.dumps({"exact": 0.25, "asked": 8, "bars": {}, "by": {}}))
    card = tmp_path / "card.md"
    made = ("card", "--model", TINY, "--out", card, "--scores")
    assert "nowhere does not end with" in refusal(*made, "drawn=nowhere", "--run", tmp_path)
    assert "tells nothing of held-out" in refusal(*made, f"drawn={told}", "--run", tmp_path)
    assert not card.exists()
    held_out = {"losses": {"words": 1.0}, "exact": 0.5}
    (tmp_path / "curve.jsonl").write_text(json.dumps({"step": 3, "held_out": held_out}) + "\n")
    curve = ("--run", tmp_path, "--curve", tmp_path / "curve.svg")
    assert run(*made, f"drawn={told}", *curve).exit_code == 0
    assert "| **all** | | 25.0 (8) |" in card.read_text()
    assert "![The curve](curve.svg)" in card.read_text()
    assert (tmp_path / "curve.svg").exists()


def test_a_recipe_that_learns_nothing_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def learn_nothing(folder: Path, **_: object) -> str:
        raise smoke.NothingLearnt("It did not fall.")

    monkeypatch.setattr(smoke, "try_everything", learn_nothing)
    result = run("--smoke")
    assert (result.exit_code, result.stderr) == (1, "It did not fall.\n")


def test_help_and_drawing_wait_for_no_torch_and_its_threads_will_not_spin() -> None:
    """The policy counts only where torch is not there yet when it is set."""
    program = (
        "import os, sys; from typer.testing import CliRunner; from training.cli import app; "
        "CliRunner().invoke(app, []); print('torch' in sys.modules, os.environ['OMP_WAIT_POLICY'])"
    )
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    for given, then in ({}, "PASSIVE"), ({"OMP_WAIT_POLICY": "ACTIVE"}, "ACTIVE"):
        done = subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env=environment | given,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.split() == ["False", then]
