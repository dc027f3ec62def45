import fnmatch
import json
import re
import tomllib
from pathlib import Path

import pytest
import typer.main

from threadsight.cli import app

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
DOCKERFILES = {side: (ROOT / f"deploy/{side}.Dockerfile").read_text() for side in ("bot", "worker")}
IGNORED = (ROOT / ".dockerignore").read_text().splitlines()


def copied(dockerfile: str) -> list[str]:
    """What goes from the build context into the image."""
    lines = re.findall(r"^COPY (?!--from)(.+)$", dockerfile, flags=re.MULTILINE)
    return [source for line in lines for source in line.split()[:-1]]


@pytest.mark.parametrize("side", DOCKERFILES)
def test_the_image_starts_a_command_that_exists(side: str) -> None:
    ((entrypoint, usual),) = re.findall(r"^ENTRYPOINT (.+)\nCMD (.+)$", DOCKERFILES[side], flags=re.MULTILINE)
    (script,), (command,) = json.loads(entrypoint), json.loads(usual)  # another command can be given in its place
    assert PROJECT["project"]["scripts"][script] == "threadsight.__main__:main"
    assert command == side
    assert command in typer.main.get_command(app).commands  # type: ignore[attr-defined]  # a group has commands


@pytest.mark.parametrize("side", DOCKERFILES)
def test_the_image_has_its_own_sides_packages_only_and_pinned(side: str) -> None:
    extras = re.findall(r"'\.\[(\w+)\]'", DOCKERFILES[side])
    assert extras == [side]
    assert side in PROJECT["project"]["optional-dependencies"]
    installs = re.findall(r"pip install .*", DOCKERFILES[side])
    assert installs
    assert all("-c constraints.txt" in install for install in installs)


@pytest.mark.parametrize("side", DOCKERFILES)
def test_everything_the_image_is_built_from_exists_and_reaches_the_build(side: str) -> None:
    for source in copied(DOCKERFILES[side]):
        assert (ROOT / source).exists()
        assert f"!{source}" in IGNORED


def test_what_the_wheel_is_built_from_is_in_every_image() -> None:
    packages = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    needed = {*packages, "pyproject.toml", PROJECT["project"]["readme"], *PROJECT["project"]["license-files"]}
    for dockerfile in DOCKERFILES.values():
        assert needed <= set(copied(dockerfile))


def test_no_secret_reaches_a_build() -> None:
    assert IGNORED[1] == "*"
    allowed = [line[1:] for line in IGNORED if line.startswith("!")]
    assert not [pattern for pattern in allowed if fnmatch.fnmatch(".env", pattern)]
    for dockerfile in DOCKERFILES.values():
        assert not re.findall(r"TOKEN|PASSWORD|SECRET", dockerfile)
