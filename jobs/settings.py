"""Settings from the environment or `.env`: read once, typed, frozen, and a misspelt name is refused.

Each side derives its own (`BotSettings`, `WorkerSettings`); `StoreSettings` is what both sides must agree on.
"""

import difflib
import os
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import AfterValidator, Field, ValidationError, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict

from jobs.errors import Refused, Unavailable

# Of two names, by difflib: other programs have variables too, so only a slip of a letter or two (REDIS_URI) is refused.
NEARLY = 0.86
ENV_FILE = ".env"  # in the working directory
ENCODING = "utf-8-sig"  # UTF-8, also with the mark that Windows' editors put before it
BEATS = 3  # within a lease, at the least: one that is late, and one that is lost, end nothing


class SettingMisspelt(Refused):
    """{name} is not a setting ({suggestion})."""


class SettingWrong(Refused):
    """{name}: {reason}."""


class SettingsUnreadable(Refused):
    """The settings in {file} cannot be read ({reason})."""


class RedisNotSet(Unavailable):
    """REDIS_URL is not set, so there is no queue to work on."""


def read_variables() -> dict[str, str]:
    """What is set, here and in `.env`; the environment wins, unless it is empty there.

    Raises:
        SettingsUnreadable: the file is there, and not ours to read, or no text in UTF-8.
    """
    try:
        written = dotenv_values(ENV_FILE, encoding=ENCODING)
    except OSError as error:
        raise SettingsUnreadable(file=Path(ENV_FILE).absolute(), reason=error.strerror) from None
    except UnicodeDecodeError as error:  # which holds the whole file, secrets and all
        line = error.object.count(b"\n", 0, error.start) + 1
        raise SettingsUnreadable(file=Path(ENV_FILE).absolute(), reason=f"line {line} is not UTF-8") from None
    return {name: value for name, value in (*written.items(), *os.environ.items()) if value}


class Settings(BaseSettings):
    """Base of all settings. `env_prefix` of the derived class names the variables that are its own."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="ignore",
        env_file=ENV_FILE,
        env_file_encoding=ENCODING,
        env_ignore_empty=True,
        allow_inf_nan=False,
    )

    @classmethod
    def read(cls) -> Self:
        """From the environment, then `.env` in the working directory.

        Raises:
            SettingsUnreadable: see `read_variables`.
            SettingMisspelt: a variable has our prefix and no field, or is nearly one of our names without a prefix, which
                is not set.
            SettingWrong: a value does not fit its field.
        """
        cls._refuse_misspelt({*read_variables()})
        try:
            return cls()
        except ValidationError as error:
            first = error.errors()[0]
            told = str(first["loc"][0]).upper()
            name = told if told in cls._variables() else f"{cls._prefix()}{told}"
            # The value stays out of the sentence: it may be a secret.
            raise SettingWrong(name=name, reason=first["msg"]) from None

    @classmethod
    def _refuse_misspelt(cls, names: set[str]) -> None:
        prefix, known = cls._prefix(), cls._variables()
        bare = {name for name in known if not name.startswith(prefix)} - names  # beside the right one it is another's
        for name in sorted(names - known):
            if prefix and name.startswith(prefix):
                meant = {full.removeprefix(prefix): full for full in known}
                near = difflib.get_close_matches(name.removeprefix(prefix), meant, n=1)
                suggestion = f"did you mean {meant[near[0]]}?" if near else f"known: {', '.join(sorted(known))}"
                raise SettingMisspelt(name=name, suggestion=suggestion)
            if near := difflib.get_close_matches(name, bare, n=1, cutoff=NEARLY):
                raise SettingMisspelt(name=name, suggestion=f"did you mean {near[0]}?")

    @classmethod
    def _prefix(cls) -> str:
        return cls.model_config.get("env_prefix", "").upper()

    @classmethod
    def _variables(cls) -> set[str]:
        """The variables that are read: a field's alias, else the prefix and its name."""
        return {
            str(field.validation_alias or f"{cls._prefix()}{name}").upper() for name, field in cls.model_fields.items()
        }


def check_address(url: str) -> str:
    """Redis's address, as it is.

    Raises:
        PydanticCustomError: it is none.
    """
    if not _is_address(url):
        raise PydanticCustomError(
            "redis_address",
            "write it like redis://:password@host:6379/0, and / ? # in a name or password as %2F %3F %23",
        )
    return url


def _is_address(url: str) -> bool:
    """With a bare / ? or # in a password a part of it is taken for the host, or for the port, and told in errors."""
    try:
        parts = urlsplit(url)
        if parts.port == 0:
            return False
    except ValueError:  # a port that is no number
        return False
    if parts.scheme == "unix":
        return not parts.netloc or parts.netloc.endswith("@")
    return parts.scheme in {"redis", "rediss"} and "@" not in f"{parts.path}{parts.query}{parts.fragment}"


class StoreSettings(Settings):
    """What both sides must agree on: where Redis is and what the contract promises. `QUEUE_*`, and `REDIS_URL`."""

    model_config = SettingsConfigDict(env_prefix="QUEUE_")

    redis_url: Annotated[str, AfterValidator(check_address)] | None = Field(default=None, validation_alias="REDIS_URL")
    lease_s: float = Field(default=10.0, gt=0)  # a lost worker's or bot's work is taken over after this long
    heartbeat_s: float = Field(default=0.5, gt=0)  # renews what is under way: several fit into a lease
    affinity_s: float = Field(default=2.0, ge=0)  # how long a conversation waits for the worker that knows it
    max_waiting: int = Field(default=10_000, gt=0)
    max_waiting_per_tenant: int = Field(default=1_000, gt=0)
    max_attempts: int = Field(default=3, gt=0)
    retention_s: float = Field(default=7 * 86_400.0, gt=0)  # turns and pictures, after the last use
    picture_budget_bytes: int = Field(default=2 * 1024**3, gt=0)
    remember_ids_s: float = Field(default=86_400.0, gt=0)  # how long a retried event joins the first

    @field_validator("heartbeat_s")
    @classmethod
    def _check_heartbeat(cls, heartbeat_s: float, info: ValidationInfo) -> float:
        lease_s = info.data.get("lease_s")  # None: it is wrong itself
        if lease_s is not None and heartbeat_s > lease_s / BEATS:
            raise PydanticCustomError("heartbeat", "not more than a third of QUEUE_LEASE_S")
        return heartbeat_s

    def required_url(self) -> str:
        """Where Redis is.

        Raises:
            RedisNotSet: nobody says.
        """
        if self.redis_url is None:
            raise RedisNotSet
        return self.redis_url
