"""The recipe in small, as anybody runs it: from nothing to an evaluated model."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from training import smoke
from training.settings import TrainingSettings
from training.trainer import CURVE, Tell

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_it_learns_exports_and_evaluates_within_three_minutes() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "training", "--smoke"],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"},
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    *progress, last = done.stdout.splitlines()
    told = json.loads(last)
    assert told["losses"][-1] < 0.8 * told["losses"][0], "held-out dialogues too are likelier than any at the start"
    assert any("Exported: 13.6 MB" in line for line in progress), "the engine has loaded it since"
    assert told["dialogues"] == smoke.DIALOGUES
    assert told["asked"] == sum(task["asked"] for task in told["by"]["task"].values()) > 50
    assert told["seconds"] < 180


def test_a_recipe_that_does_not_learn_is_told_and_nothing_is_exported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def learn_nothing(settings: TrainingSettings, *, tell: Tell) -> None:
        settings.out.mkdir()
        lines = [{"step": step, "seen": {"losses": {"words": 5.5}, "exact": 0.0}} for step in (10, 20)]
        (settings.out / CURVE).write_text("".join(json.dumps(line) + "\n" for line in lines))

    monkeypatch.setattr(smoke, "train", learn_nothing)
    with pytest.raises(smoke.NothingLearnt, match=r"from 5\.5 to 5\.5"):
        smoke.try_everything(tmp_path, tell=lambda _line: None)
    assert not (tmp_path / "model").exists()
