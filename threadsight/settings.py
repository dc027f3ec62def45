"""The command line's own settings: `THREADSIGHT_*` in the environment or `.env`."""

from pathlib import Path

from platformdirs import user_data_path
from pydantic import Field
from pydantic_settings import SettingsConfigDict

from jobs.settings import Settings


class CommandSettings(Settings):
    """Where an install keeps its state, and how long its worker stays."""

    model_config = SettingsConfigDict(env_prefix="THREADSIGHT_")

    home: Path = Field(default_factory=lambda: user_data_path("threadsight"))
    worker_linger_s: float = Field(default=120.0, ge=0)  # after the last question, so that a follow-up is quick
