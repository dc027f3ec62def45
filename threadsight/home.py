"""The folder of an install's state: pictures, questions and a password are in it, so it is its owner's alone."""

import errno
import os
from pathlib import Path

from threadsight.errors import HomeUnusable


def make_private(folder: Path) -> None:
    """There from now on, and readable by nobody else if it was not there before.

    Raises:
        HomeUnusable: it cannot be made, or is somebody else's, as after `sudo threadsight ask`.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise HomeUnusable(folder=folder, reason=error.strerror) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise HomeUnusable(folder=folder, reason=os.strerror(errno.EACCES))
