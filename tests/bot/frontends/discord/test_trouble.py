"""A store that is away, a Discord that is away, a token that is wrong, a bug of ours."""

import asyncio

import pytest

from bot.app import open_chat
from bot.download import Hosts
from bot.frontends.discord import Discord
from bot.frontends.discord.desk import Desk
from bot.frontends.discord.errors import TokenRefused
from bot.frontends.discord.questions import Questions
from bot.settings import BotSettings
from jobs.errors import StoreUnavailable
from tests.bot.fakes import eventually
from tests.bot.frontends.discord.background import run_in_background
from tests.bot.frontends.discord.conftest import LEASE_S, Scene
from tests.bot.frontends.discord.fake import people
from tests.bot.frontends.discord.fake.server import TOKEN
from tests.bot.frontends.discord.steps import answered, ask, picture, whispered

OUR_FAULT = "Something went wrong on our side, and the log says what. Please ask again."


async def away(*_: object, **__: object) -> None:
    raise StoreUnavailable(reason="no connection")


async def fail(*_: object, **__: object) -> None:
    raise ZeroDivisionError


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
    monkeypatch.setattr("bot.frontends.discord.client._PAUSE_S", 0.05)
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


async def test_a_forgetting_that_fails_cuts_no_answer_off(
    scene: Scene, bot: Discord, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = type(scene.jobs.conversations)
    monkeypatch.setattr(store, "forget_asker", away)
    monkeypatch.setattr(store, "forget", away)
    scene.oracle.answer = lambda _: "words " * 400 + "the end"
    scene.oracle.hold.clear()
    question = ask(scene, "what is this?", picture())
    await eventually(lambda: scene.discord.posts and scene.oracle.claims)
    assert question.thread is not None
    for what in ("me", "this conversation"):
        said = await whispered(people.command(scene.discord, scene.ann, question.thread, "forget", what=what))
        assert said == "Redis cannot be reached (no connection)."
    scene.oracle.hold.set()
    await answered(scene, "the end")


async def test_whoever_asks_is_told_of_a_bug_of_ours(
    scene: Scene, bot: Discord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Questions, "read", fail)
    question = ask(scene, "what is this?", picture())
    answer = await answered(scene, OUR_FAULT)
    assert answer.target is question


async def test_whoever_edits_a_question_is_told_of_a_bug_of_ours(
    scene: Scene, bot: Discord, monkeypatch: pytest.MonkeyPatch
) -> None:
    question = ask(scene, "what is this?", picture())
    await answered(scene, "what is this? (1)")
    monkeypatch.setattr(Desk, "ask", fail)
    people.edit(scene.discord, question, f"{scene.discord.bot.mention} what is that?")
    await answered(scene, OUR_FAULT)


async def test_a_command_that_meets_a_bug_of_ours_does_not_think_for_ever(
    scene: Scene, bot: Discord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Desk, "ask", fail)
    used = people.command(scene.discord, scene.ann, scene.channel, "describe", image=picture())
    await eventually(lambda: used.texts == [OUR_FAULT])
    form = people.menu(scene.discord, scene.ann, "Ask about this image", ask(scene, "look", picture()))
    await eventually(lambda: form.form)
    assert await whispered(people.submit(scene.discord, form, "what is this?")) == OUR_FAULT


async def test_a_button_that_meets_a_bug_of_ours_says_so(
    scene: Scene, bot: Discord, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(scene, "what is this?", picture())
    answer = await answered(scene, "what is this? (1)")
    monkeypatch.setattr(Desk, "ask", fail)
    used = people.press(scene.discord, scene.ann, answer, "Regenerate")
    await eventually(lambda: [message.content for message in used.follow_ups] == [OUR_FAULT])
    assert used.follow_ups[0].seen_by is scene.ann


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


async def test_a_token_that_is_reset_meanwhile_ends_it_with_the_same_sentence(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.frontends.discord.frontend._FIRST_PAUSE_S", 0.05)
    front = Discord(TOKEN, scene.jobs, hosts=Hosts(frozenset()))
    async with open_chat(BotSettings(), scene.jobs, frontends=[front], lease_s=LEASE_S) as responder:
        running = asyncio.create_task(front.run(responder))
        await eventually(lambda: scene.discord.gateway.is_connected and scene.discord.commands)
        scene.discord.fail("GET", "/users/@me", status=401)
        await scene.discord.gateway.reset_token()
        with pytest.raises(TokenRefused, match="Discord does not accept DISCORD_TOKEN"):
            await running
    await front.close()


async def test_a_token_that_discord_does_not_take_ends_it_with_a_sentence(scene: Scene) -> None:
    front = Discord("another", scene.jobs, hosts=Hosts(frozenset()))
    async with open_chat(BotSettings(), scene.jobs, frontends=[front], lease_s=LEASE_S) as responder:
        with pytest.raises(TokenRefused, match="Discord does not accept DISCORD_TOKEN"):
            await front.run(responder)
    await front.close()
