"""How a command ended, for scripts. The numbers are those of sysexits.h where it has one."""

import enum
from collections.abc import Iterator

from bot.errors import AnswerPending, AnswerUnwritten, BotFailed, NoFrontend, NoSuchFile, NotPosted, PlaceGone
from inference_worker.errors import (
    CachesTooLarge,
    CachesTooSmall,
    EngineFailed,
    EngineLost,
    GpuMissing,
    ModelIncomplete,
    ModelNotFound,
    ModelNotStored,
    ModelTooLarge,
    ModelUnreachable,
    ModelUnreadable,
    ModelUnsupported,
    ServerFailed,
    TorchWithoutCuda,
)
from jobs.errors import (
    DeadlinePassed,
    Fenced,
    QuestionUnreadable,
    QueueFull,
    Refused,
    StoreUnavailable,
    TenantQueueFull,
    ThreadsightError,
    WorkerKeepsFailing,
)
from jobs.settings import RedisNotSet, SettingMisspelt, SettingsUnreadable, SettingWrong
from threadsight.errors import ApplicationUnknown, Broken, ExtraMissing, HomeUnusable, NoSpaceLeft
from threadsight.keeper import HOPELESS
from threadsight.service import ServiceFailed, ServiceInUse
from threadsight.valkey import SocketFolderUnsafe, ValkeyMissing


class ExitCode(enum.IntEnum):
    """A command's exit status."""

    ANSWERED = 0
    NOT_ANSWERED = 1
    USAGE = 2  # as typer has it
    REFUSED = 65  # EX_DATAERR
    NO_SUCH_FILE = 66  # EX_NOINPUT
    STORE_AWAY = 69  # EX_UNAVAILABLE
    TRY_LATER = 75  # EX_TEMPFAIL
    NOT_SET_UP = HOPELESS  # EX_CONFIG
    INTERRUPTED = 130  # 128 + SIGINT, as shells count


# The first kind that fits counts. Every error has its place: a new one may need a person before another start helps.
_KINDS: tuple[tuple[ExitCode, tuple[type[ThreadsightError], ...]], ...] = (
    (ExitCode.NO_SUCH_FILE, (NoSuchFile,)),
    (ExitCode.STORE_AWAY, (StoreUnavailable,)),
    (ExitCode.TRY_LATER, (QueueFull, TenantQueueFull, DeadlinePassed, ServiceInUse)),
    (
        ExitCode.NOT_SET_UP,
        (
            ApplicationUnknown,
            CachesTooLarge,
            CachesTooSmall,
            GpuMissing,
            ModelIncomplete,
            ModelNotFound,
            ModelNotStored,
            ModelTooLarge,
            ModelUnreachable,
            ModelUnreadable,
            ModelUnsupported,
            RedisNotSet,
            SettingMisspelt,
            SettingWrong,
            SettingsUnreadable,
            TorchWithoutCuda,
            ExtraMissing,
            HomeUnusable,
            NoFrontend,
            ServiceFailed,
            SocketFolderUnsafe,
            ValkeyMissing,
        ),
    ),
    (ExitCode.REFUSED, (Refused,)),
    (
        ExitCode.NOT_ANSWERED,
        (
            AnswerPending,
            AnswerUnwritten,
            BotFailed,
            Broken,
            EngineFailed,
            EngineLost,
            Fenced,
            NoSpaceLeft,
            NotPosted,
            PlaceGone,
            QuestionUnreadable,
            ServerFailed,
            WorkerKeepsFailing,
        ),
    ),
)


def exit_code_of(code: str) -> ExitCode:
    """How a command ends that meets this error: `ThreadsightError.code`, of this machine or of a worker's answer."""
    kind = next((kind for kind in _family(ThreadsightError) if kind.__new__(kind).code == code), ThreadsightError)
    return next((ends for ends, kinds in _KINDS if issubclass(kind, kinds)), ExitCode.NOT_ANSWERED)


def _family(kind: type[ThreadsightError]) -> Iterator[type[ThreadsightError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _family(child)
