import pytest

from bot.settings import BotSettings
from jobs.settings import SettingMisspelt, SettingWrong, StoreSettings


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


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("BOT_DISCORD_TOKEN", "DISCORD_TOKEN"),
        ("DISCORD_BOT_TOKEN", "DISCORD_TOKEN"),
        ("DISCORD_TOKN", "DISCORD_TOKEN"),
        ("BOT_SLACK_APP_TOKEN", "SLACK_APP_TOKEN"),
        ("SLACK_SIGNING_SECRETS", "SLACK_SIGNING_SECRET"),
    ],
)
def test_a_token_under_nearly_its_name_is_refused_too(monkeypatch: pytest.MonkeyPatch, name: str, meant: str) -> None:
    monkeypatch.setenv(name, "x")
    with pytest.raises(SettingMisspelt, match=f"{name} is not a setting .did you mean {meant}"):
        BotSettings.read()


def test_beside_the_right_name_a_similar_one_is_another_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", "ours")
    monkeypatch.setenv("DISCORD_BOT_TOKEN", "another bot's")
    settings = BotSettings.read()
    assert settings.discord_token is not None
    assert settings.discord_token.get_secret_value() == "ours"


def test_a_prefix_makes_no_two_names_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_FOO", "1")
    with pytest.raises(SettingMisspelt, match=r"BOT_FOO is not a setting \(known: "):
        BotSettings.read()


def test_a_port_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_SLACK_HTTP_PORT", "99999")
    with pytest.raises(SettingWrong, match="BOT_SLACK_HTTP_PORT: Input should be less than or equal to 65535"):
        BotSettings.read()


@pytest.mark.parametrize("name", ["SLACK_WEBHOOK_URL", "SLACK_CONFIG_TOKEN", "DISCORD_GUILD", "REDIS_PASSWORD"])
def test_what_other_programs_are_told_is_no_business_of_ours(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "x")
    BotSettings.read()
    StoreSettings.read()


def test_the_queues_address_has_no_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUEUE_REDIS_URL", "redis://elsewhere")
    with pytest.raises(SettingMisspelt, match=r"did you mean REDIS_URL\?"):
        StoreSettings.read()


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
