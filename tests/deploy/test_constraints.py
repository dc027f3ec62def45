import itertools
import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PINNED = re.findall(r"^([\w.-]+)==\S+$", (Path(__file__).parents[2] / "constraints.txt").read_text(), re.MULTILINE)
EXTRAS = {"", "bot", "worker", "training", "dev"}
PYTHONS = ("3.11.0", "3.11.9", "3.12.9", "3.13.9", "3.14.9")
SYSTEMS = (("linux", "Linux"), ("darwin", "Darwin"))


def wants(requirement: Requirement, extras: set[str]) -> bool:
    """Whether any machine that an install is made for takes it, and no version is named already."""
    marker = requirement.marker
    is_open = not any(specifier.operator == "==" for specifier in requirement.specifier)
    return is_open and any(
        marker is None
        or marker.evaluate(
            {
                "extra": extra,
                "python_full_version": python,
                "python_version": python.rpartition(".")[0],
                "sys_platform": platform,
                "platform_system": system,
            }
        )
        for extra, python, (platform, system) in itertools.product(extras, PYTHONS, SYSTEMS)
    )


def needed(name: str, extras: set[str], seen: set[str]) -> Iterator[str]:
    """What stands behind a package and its extras, as far as that is installed here."""
    try:
        written = requires(name) or []
    except PackageNotFoundError:  # another Python's, or another system's
        return
    for requirement in map(Requirement, written):
        if str(requirement) not in seen and wants(requirement, extras):
            seen.add(str(requirement))
            yield canonicalize_name(requirement.name)
            yield from needed(requirement.name, {"", *requirement.extras}, seen)


def test_every_package_behind_the_extras_is_pinned() -> None:
    pins = {canonicalize_name(name) for name in PINNED}
    assert set(needed("threadsight", EXTRAS, set())) - pins == set()
