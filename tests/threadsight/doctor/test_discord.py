import pytest
from aiohttp import ServerDisconnectedError
from discord import DiscordException

from bot.frontends.discord.errors import TokenRefused
from bot.frontends.discord.examination import Standing
from bot.settings import BotSettings
from threadsight.doctor.discord import examine_discord
from threadsight.doctor.finding import Finding, Level


def examine_with(monkeypatch: pytest.MonkeyPatch, answer: Standing | Exception) -> list[Finding]:
    async def look_at(_: str) -> Standing:
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr("bot.frontends.discord.examination.look_at", look_at)
    return list(examine_discord(BotSettings.model_validate({"DISCORD_TOKEN": "id.time.signature"})))


def test_without_a_token_nobody_is_asked() -> None:
    assert list(examine_discord(BotSettings.model_validate({"DISCORD_TOKEN": None}))) == []


def test_what_is_well_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    standing = Standing(name="Sight#4242", reads_everything=True, servers=(("Home", ()),))
    (finding,) = examine_with(monkeypatch, standing)
    assert (finding.level, finding.found) == (Level.OK, "connected as Sight#4242, 1 server")


def test_what_is_missing_is_named_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    standing = Standing(name="Sight", reads_everything=False, servers=(("Home", ("attach_files",)),))
    _, intent, permission = examine_with(monkeypatch, standing)
    assert intent.level is permission.level is Level.WARN
    assert "Message Content Intent" in intent.advice
    assert permission.found == 'Home: I lack the permission "Attach Files" there'


def test_a_bot_without_a_server_is_to_be_invited(monkeypatch: pytest.MonkeyPatch) -> None:
    _, finding = examine_with(monkeypatch, Standing(name="Sight", reads_everything=True, servers=()))
    assert "threadsight discord-invite" in finding.advice


@pytest.mark.parametrize("error", [ServerDisconnectedError(), DiscordException("503 Service Unavailable"), OSError()])
def test_a_discord_that_goes_away_in_between_ends_no_examination(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    (finding,) = examine_with(monkeypatch, error)
    assert (finding.level, finding.subject) == (Level.WARN, "Discord")


def test_a_token_that_is_refused_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    (finding,) = examine_with(monkeypatch, TokenRefused())
    assert finding.level is Level.FAIL
    assert finding.found.startswith("Discord does not accept DISCORD_TOKEN.")
