import pytest

from bot.frontends.discord.errors import DiscordAway, TokenRefused
from bot.frontends.discord.examination import look_at
from tests.bot.frontends.discord.fake.server import TOKEN, FakeDiscord
from tests.bot.frontends.discord.fake.world import NEEDED


async def test_discord_tells_of_the_intent_and_of_permissions_that_are_missing(server: FakeDiscord) -> None:
    server.add_guild("Good")
    server.add_guild("Strict", NEEDED - {"create_public_threads"})
    standing = await look_at(TOKEN)
    assert standing.name == "sight"
    assert standing.reads_everything
    assert standing.servers == (("Good", ()), ("Strict", ("create_public_threads",)))


async def test_an_intent_that_is_off_is_seen(server: FakeDiscord) -> None:
    server.gateway.allowed_intents = 0
    assert not (await look_at(TOKEN)).reads_everything


async def test_a_wrong_token_is_said_to_be_wrong(server: FakeDiscord) -> None:
    with pytest.raises(TokenRefused):
        await look_at("another")


async def test_a_discord_that_is_away_is_said_to_be_away(server: FakeDiscord, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("discord.http.Route.BASE", "http://127.0.0.1:1/api/v10")
    with pytest.raises(DiscordAway, match="cannot be reached"):
        await look_at(TOKEN)
