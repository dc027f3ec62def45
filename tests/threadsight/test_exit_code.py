import re

import pytest

from bot.errors import NoSuchFile, NotAPicture, NothingAsked
from bot.frontends.slack.errors import SlackHalfSet
from inference_worker.errors import CachesTooLarge, CachesTooSmall, EngineFailed, ModelIncomplete, ModelNotStored
from jobs.errors import DeadlinePassed, QueueFull, StoreUnavailable, ThreadsightError
from jobs.settings import SettingMisspelt
from threadsight.cli import EPILOG
from threadsight.exit_code import _KINDS, ExitCode, _family, exit_code_of


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NoSuchFile(path="a.png"), 66),
        (NotAPicture(name="notes.txt", found="a text file"), 65),
        (NothingAsked(), 65),
        (ModelIncomplete(folder="phi", problems="missing config.json"), 78),
        (ModelNotStored(name="phi", reason="No space left on device"), 78),
        (CachesTooLarge(kv_gb=30.0, free_gb=8.0, device="cuda"), 78),
        (CachesTooSmall(kv_gb=0.1, needed_gb=0.8), 78),
        (SettingMisspelt(name="WORKER_MODLE", suggestion="did you mean WORKER_MODEL?"), 78),
        (SlackHalfSet(missing="SLACK_APP_TOKEN"), 78),
        (StoreUnavailable(reason="no connection"), 69),
        (QueueFull(limit=10), 75),
        (DeadlinePassed(patience_s=600.0), 75),
        (EngineFailed(), 1),
    ],
)
def test_each_kind_of_ending_has_its_own_status(error: ThreadsightError, code: int) -> None:
    assert exit_code_of(error.code) == code


def test_every_error_that_a_command_may_end_with_has_its_place() -> None:
    known = tuple(kind for _, kinds in _KINDS for kind in kinds)
    leaves = {kind for kind in _family(ThreadsightError) if not kind.__subclasses__()}
    # A platform's own are met while it runs, and its front end makes something of them.
    elsewhere = {leaf for leaf in leaves if leaf.__module__.startswith(("tests.", "bot.frontends."))}
    assert {leaf.__name__ for leaf in leaves - elsewhere if not issubclass(leaf, known)} == set()


def test_an_answer_that_was_stopped_is_not_answered() -> None:
    assert exit_code_of("stopped") is ExitCode.NOT_ANSWERED


def test_the_help_names_every_status() -> None:
    assert {int(code) for code in re.findall(r"\b\d+\b", EPILOG)} == {code.value for code in ExitCode}
