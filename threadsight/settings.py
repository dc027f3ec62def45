"""The command line's own settings: `THREADSIGHT_*` in the environment or `.env`."""

from pathlib import Path
from typing import Annotated

from platformdirs import user_data_path
from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import SettingsConfigDict

from jobs.settings import Settings


def find_folder(path: Path) -> Path:
    """`~` and relative paths as a shell reads them: `.env` is read by no shell."""
    return path.expanduser().absolute()


class CommandSettings(Settings):
    """Where an install keeps its state, how long its worker stays, and what the doctor may look at."""

    model_config = SettingsConfigDict(env_prefix="THREADSIGHT_")

    home: Annotated[Path, AfterValidator(find_folder)] = Field(default_factory=lambda: user_data_path("threadsight"))
    worker_linger_s: float = Field(default=120.0, ge=0)  # after the last question, so that a follow-up is quick
    slack_config_token: SecretStr = Field(default=SecretStr(""), validation_alias="SLACK_CONFIG_TOKEN")
