import itertools
import re
from pathlib import Path

import pytest

from bot.settings import BotSettings
from inference_worker.settings import WorkerSettings
from jobs.settings import Settings, StoreSettings
from threadsight.hub import VARIABLES as HUB
from threadsight.settings import CommandSettings

ROOT = Path(__file__).parents[2]
CLASSES: tuple[type[Settings], ...] = (StoreSettings, BotSettings, WorkerSettings, CommandSettings)
# Read by the front ends, by docker compose and by the hub's client, not by a settings class.
UNSET = {"TORCH_INDEX", *HUB}
OTHERS = {"DISCORD_TOKEN", "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "COMPOSE_PROFILES", "REDIS_PASSWORD", *UNSET}

LINES = (ROOT / ".env.example").read_text().splitlines()
SETTING = re.compile(r"#?([A-Z][A-Z0-9_]*)=(.*)")
EXAMPLE = {found[1]: found[2] for line in LINES if (found := SETTING.fullmatch(line))}


def names_of(settings: type[Settings]) -> dict[str, str]:
    """Variable to field."""
    prefix = settings.model_config.get("env_prefix", "")
    return {
        str(field.validation_alias or f"{prefix}{name}").upper(): name for name, field in settings.model_fields.items()
    }


def test_every_setting_is_in_the_example_and_nothing_else() -> None:
    known = {variable for settings in CLASSES for variable in names_of(settings)}
    assert set(EXAMPLE) == known | OTHERS


@pytest.mark.parametrize("settings", CLASSES)
def test_the_example_shows_the_defaults(
    settings: type[Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for variable in names_of(settings):
        monkeypatch.delenv(variable, raising=False)
    (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in EXAMPLE.items()))
    as_written = settings.read()
    (tmp_path / ".env").unlink()
    assert as_written == settings.read()


def test_every_setting_has_its_line_of_explanation() -> None:
    unexplained = [
        line for before, line in itertools.pairwise(LINES) if SETTING.fullmatch(line) and not before.startswith("# ")
    ]
    assert unexplained == []


def test_a_copy_sets_only_what_has_no_default() -> None:
    set_by_copying = {line.split("=")[0] for line in LINES if re.match("[A-Z]", line)}
    assert set_by_copying == OTHERS - UNSET | {"REDIS_URL"}
