"""The end of a command that met an error: one plain sentence, one exit status."""

import errno
import sys
import traceback

from jobs.errors import ThreadsightError
from threadsight.errors import Broken, ExtraMissing, NoSpaceLeft
from threadsight.exit_code import ExitCode, exit_code_of
from threadsight.home import make_private
from threadsight.settings import CommandSettings

# What each extra brings, by the name it is imported by.
_EXTRAS = {
    "bot": {"PIL", "aiohttp", "discord", "pillow_heif", "slack_bolt", "slack_sdk"},
    "worker": {"huggingface_hub", "numpy", "openai", "safetensors", "tokenizers", "torch", "transformers"},
}


def tell(error: BaseException) -> ExitCode:
    """Say on standard error what is the matter; how the command ends."""
    told = name_error(error)
    sys.stderr.write(f"{told.sentence}\n")
    return exit_code_of(told.code)


def name_error(error: BaseException) -> ThreadsightError:
    """The error as one of ours. A task group's is the first that it holds; a bug's whole story goes to the log."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, ThreadsightError):
        return error
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return NoSpaceLeft()
    if isinstance(error, ModuleNotFoundError):
        package = (error.name or "").partition(".")[0]
        for extra, packages in _EXTRAS.items():
            if package in packages:
                return ExtraMissing(extra=extra)
    return _write_down(error)


def _write_down(error: BaseException) -> Broken:
    reason = f"{type(error).__name__}: {error}"
    try:
        home = CommandSettings.read().home
        make_private(home)
        with (home / "log").open("a") as log:
            traceback.print_exception(error, file=log)
    except (OSError, ThreadsightError):  # a container has no home: there the output is the log
        traceback.print_exception(error)
        return Broken(reason=reason, log="The log")
    return Broken(reason=reason, log=home / "log")
