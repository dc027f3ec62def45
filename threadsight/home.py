"""The folder of an install's state: pictures, questions and a password are in it, so it is its owner's alone."""

from pathlib import Path


def make_private(folder: Path) -> None:
    """There from now on, and readable by nobody else if it was not there before."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
