import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Stands for a Python: answers whether it is new enough, and makes an environment whose commands do nothing.
PYTHON = """#!/bin/sh
case "$*" in
-c*) exit {too_old} ;;
"-m venv .venv") mkdir -p .venv/bin; for name in pip python; do echo '#!/bin/sh' > .venv/bin/$name; chmod +x .venv/bin/$name; done ;;
esac
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        Path(name).write_text((ROOT / name).read_text())


def make(python: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(
        ["make", "demo", f"PYTHON={python}"], capture_output=True, text=True, check=False, timeout=60, env=environment
    )


def a_python(folder: Path, *, too_old: bool) -> str:
    python = folder / "python"
    python.write_text(PYTHON.format(too_old=int(too_old)))
    python.chmod(0o755)
    return str(python)


def test_a_python_that_is_too_old_is_told_before_it_makes_an_environment(tmp_path: Path) -> None:
    python = a_python(tmp_path, too_old=True)
    made = make(python)
    said = f"Python 3.11 or newer is needed, and {python} is none. Name one: make demo PYTHON=python3.11\n"
    assert made.stderr.startswith(said)
    assert (made.returncode, made.stdout) == (2, "")
    assert not Path(".venv").exists()
    assert make(a_python(tmp_path, too_old=False)).returncode == 0


def test_a_python_that_is_not_there_is_told_the_same() -> None:
    assert make("python9").stderr.startswith("Python 3.11 or newer is needed, and python9 is none.")


def test_an_environment_that_is_there_keeps_its_python(tmp_path: Path) -> None:
    assert make(a_python(tmp_path, too_old=False)).returncode == 0
    Path(".venv/.run").unlink()
    assert make(a_python(tmp_path, too_old=True)).returncode == 0
