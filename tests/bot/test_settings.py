import pytest

from bot.settings import BotSettings
from jobs.settings import SettingMisspelt, SettingWrong


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.chdir(str(tmp_path))


def test_lists_are_comma_separated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_ALLOW_USERS", " U1, U2 ,")
    assert BotSettings.read().allow_users == {"U1", "U2"}


def test_nothing_set_lets_everybody_in() -> None:
    settings = BotSettings.read()
    assert not settings.allow_users | settings.deny_users | settings.allow_channels
    assert (settings.max_pictures, settings.max_picture_mb, settings.max_crops, settings.ocr_crops) == (10, 10, 4, 16)


def test_a_misspelt_name_is_refused_with_the_right_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_ALLOW_USER", "U1")
    with pytest.raises(SettingMisspelt) as refused:
        BotSettings.read()
    assert "BOT_ALLOW_USERS" in refused.value.sentence


def test_a_wrong_value_is_refused_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_MAX_CROPS", "many")
    with pytest.raises(SettingWrong) as refused:
        BotSettings.read()
    assert refused.value.sentence.startswith("BOT_MAX_CROPS: ")
