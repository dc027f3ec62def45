"""A store that is away, a Discord that is away, a token that is wrong."""

import pytest

from bot.app import open_chat
from bot.download import Hosts
from bot.frontends.discord import Discord
from bot.frontends.discord.errors import TokenRefused
from bot.settings import BotSettings
from jobs.errors import StoreUnavailable
from tests.bot.fakes import eventually
from tests.bot.frontends.discord.background import run_in_background
from tests.bot.frontends.discord.conftest import LEASE_S, Scene
from tests.bot.frontends.discord.fake import people
from tests.bot.frontends.discord.fake.server import TOKEN
from tests.bot.frontends.discord.steps import answered, ask, picture


async def away(*_: object, **__: object) -> None:
    raise StoreUnavailable(reason="no connection")


async def test_whoever_asks_while_the_store_is_away_is_told(
    scene: Scene, bot: Discord, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(type(scene.jobs.queue_in), "submit", away)
        question = ask(scene, "what is this?", picture())
        answer = await answered(scene, "Redis cannot be reached (no connection).")
    assert answer.target is question
    people.write(scene.discord, scene.ann, scene.channel, f"{scene.discord.bot.mention} and now?")
    await answered(scene, "and now? (0)")


async def test_a_deletion_while_the_store_is_away_is_honoured_later(
    scene: Scene, bot: Discord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.frontends.discord.client._STORE_PAUSE_S", 0.05)
    question = ask(scene, "what is this?", picture())
    await answered(scene, "what is this? (1)")
    conversation = scene.oracle.claims[0].job.conversation
    tried: list[object] = []

    async def away_twice(*arguments: object) -> object:
        tried.append(arguments)
        if len(tried) <= 2:
            raise StoreUnavailable(reason="no connection")
        return await forget_source(*arguments)

    store = type(scene.jobs.conversations)
    forget_source = store.forget_source
    monkeypatch.setattr(store, "forget_source", away_twice)
    people.delete(scene.discord, question)
    await eventually(lambda: not scene.jobs.conversations._state.threads[conversation].turns)
    assert len(tried) >= 3


async def test_a_discord_that_is_away_at_the_start_is_waited_for(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.frontends.discord.frontend._FIRST_PAUSE_S", 0.05)
    scene.discord.fail("GET", "/users/@me", status=403, times=2)
    front = Discord(TOKEN, scene.jobs, hosts=Hosts(frozenset()))
    async with (
        open_chat(BotSettings(), scene.jobs, frontends=[front], lease_s=LEASE_S) as responder,
        run_in_background(front.run(responder)),
    ):
        await eventually(lambda: scene.discord.gateway.is_connected)
    await front.close()


async def test_a_token_that_discord_does_not_take_ends_it_with_a_sentence(scene: Scene) -> None:
    front = Discord("another", scene.jobs, hosts=Hosts(frozenset()))
    async with open_chat(BotSettings(), scene.jobs, frontends=[front], lease_s=LEASE_S) as responder:
        with pytest.raises(TokenRefused, match="Discord does not accept DISCORD_TOKEN"):
            await front.run(responder)
    await front.close()
