"""Fetches a model from the Hugging Face hub into its usual cache: safetensors and JSON only, never code or pickles."""

import errno
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from inference_worker.errors import ModelNotFound, ModelNotStored, ModelUnreachable

FILES = ["*.safetensors", "*.json"]
NOT_WRITABLE = {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS}


def fetch_from_hub(name: str, *, progress: Callable[[int, int], None] | None = None) -> Path:
    """The folder of `owner/model`, fetched as far as it is not here.

    A broken connection is taken up where it broke; when a fetch is given up, the files that are whole stay.

    Raises:
        ModelNotFound: the hub does not have it, or not for us.
        ModelUnreachable: the hub cannot be asked, and the files are not all here.
        ModelNotStored: its files cannot be written here.
    """
    # Imported late: the client takes a good part of a second, and a folder needs none of it.
    from huggingface_hub import snapshot_download  # noqa: PLC0415
    from huggingface_hub.errors import HFValidationError, RepositoryNotFoundError  # noqa: PLC0415

    try:
        return Path(snapshot_download(name, allow_patterns=FILES, tqdm_class=_bar_class(progress)))
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise ModelNotFound(name=name, reason=_first_line(error)) from error
    except Exception as error:
        if isinstance(error, OSError) and error.errno in NOT_WRITABLE:
            raise ModelNotStored(name=name, reason=error.strerror) from error
        # Whatever else: the client lets the errors of its HTTP library through, and has changed libraries before.
        raise ModelUnreachable(name=name, reason=_first_line(error)) from error


def _bar_class(progress: Callable[[int, int], None] | None) -> Any:
    """A tqdm that draws nothing: the client speaks of its progress in no other way."""
    from tqdm import tqdm  # type: ignore[import-untyped]  # noqa: PLC0415  (late as above)

    class Bar(tqdm):  # type: ignore[misc]  # tqdm is untyped
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **{**kwargs, "file": io.StringIO()})

        def update(self, n: float | None = 1) -> bool | None:
            moved: bool | None = super().update(n)
            if progress is not None and self.unit == "B":
                progress(int(self.n), int(self.total or 0))
            return moved

    return Bar


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
