"""The folder of an install's state: pictures, questions and a password are in it, so it is its owner's alone."""

from pathlib import Path

from threadsight.errors import HomeUnusable


def make_private(folder: Path) -> None:
    """There from now on, and readable by nobody else if it was not there before.

    Raises:
        HomeUnusable: it cannot be made.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise HomeUnusable(folder=folder, reason=error.strerror) from error
