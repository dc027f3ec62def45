"""How a command ended, for scripts. The numbers are those of sysexits.h where it has one."""

import enum

from jobs.errors import QueueFull, Refused, StoreUnavailable, TenantQueueFull, ThreadsightError, Unavailable
from jobs.settings import SettingMisspelt, SettingWrong
from threadsight.errors import NoSuchFile, NothingToFollow
from threadsight.keeper import HOPELESS


class ExitCode(enum.IntEnum):
    """What each one means is said by `threadsight --help`."""

    ANSWERED = 0
    NOT_ANSWERED = 1
    USAGE = 2
    REFUSED = 65  # EX_DATAERR
    NO_SUCH_FILE = 66  # EX_NOINPUT
    STORE_AWAY = 69  # EX_UNAVAILABLE
    TRY_LATER = 75  # EX_TEMPFAIL
    CONFIGURATION = HOPELESS  # EX_CONFIG
    INTERRUPTED = 130  # 128 + SIGINT, as shells count
