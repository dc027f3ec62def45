"""The answer to a question that was deleted goes as well, whatever stands in the way."""

import asyncio
from typing import Any

import pytest

from bot.frontends.discord import Discord
from bot.frontends.discord.api import Api, Part
from bot.frontends.discord.place import Standing
from bot.frontends.discord.reply import DiscordReply
from tests.bot.fakes import eventually
from tests.bot.frontends.discord.conftest import OpenBot, Scene
from tests.bot.frontends.discord.fake import people
from tests.bot.frontends.discord.steps import QUIET_S, answered, ask, first_conversation, picture, until_forgotten


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.frontends.discord.errands._FIRST_PAUSE_S", 0.05)


async def test_an_answer_that_waits_for_discord_is_not_posted_after_its_question_was_deleted(
    scene: Scene, bot: Discord, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on, finish = asyncio.Event(), DiscordReply.finish

    async def finish_late(*arguments: Any) -> Any:
        await goes_on.wait()
        return await finish(*arguments)

    monkeypatch.setattr(DiscordReply, "finish", finish_late)
    scene.oracle.hold.clear()
    question = ask(scene, "my secret?", picture())
    await eventually(lambda: scene.discord.posts and scene.oracle.claims)
    scene.oracle.hold.set()
    await eventually(lambda: scene.jobs.conversations._state.threads[first_conversation(scene)].turns)
    people.delete(scene.discord, question)
    await until_forgotten(scene, first_conversation(scene))
    await eventually(lambda: not scene.discord.posts)
    goes_on.set()
    await asyncio.sleep(QUIET_S)
    assert scene.discord.posts == []


async def test_a_part_that_is_on_its_way_when_its_question_is_deleted_does_not_stay(
    scene: Scene, bot: Discord, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on, is_on_its_way, post = asyncio.Event(), asyncio.Event(), Api.post

    async def post_late(api: Api, channel: int, part: Part, **others: Any) -> Standing:
        if "the end" in part.content:
            is_on_its_way.set()
            await goes_on.wait()
        return await post(api, channel, part, **others)

    monkeypatch.setattr(Api, "post", post_late)
    scene.oracle.answer = lambda _: "words " * 400 + "the end"
    question = ask(scene, "my secret?", picture())
    await is_on_its_way.wait()
    people.delete(scene.discord, question)
    await until_forgotten(scene, first_conversation(scene))
    await eventually(lambda: not scene.discord.posts)
    goes_on.set()
    await eventually(lambda: any("the end" in message.content for message in scene.discord.messages.values()))
    await eventually(lambda: not scene.discord.posts)


async def test_the_answer_goes_too_when_the_store_has_to_be_told_twice(
    scene: Scene, bot: Discord, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = type(scene.jobs.conversations)
    forget = store.forget_source

    async def lose_response(*arguments: Any) -> Any:
        await forget(*arguments)
        return await forget(*arguments)  # as the client does whose first call took effect without its hearing of it

    question = ask(scene, "what is this?", picture())
    answer = await answered(scene, "what is this? (1)")
    monkeypatch.setattr(store, "forget_source", lose_response)
    people.delete(scene.discord, question)
    await eventually(lambda: answer.deleted)


async def test_the_answer_goes_as_soon_as_discord_lets_it_go(scene: Scene, bot: Discord) -> None:
    question = ask(scene, "what is this?", picture())
    answer = await answered(scene, "what is this? (1)")
    scene.discord.fail("DELETE", r"/messages/\d+$", times=2)
    people.delete(scene.discord, question)
    await eventually(lambda: answer.deleted)


async def test_the_answer_is_looked_for_until_discord_says_where_it_is(scene: Scene, open_bot: OpenBot) -> None:
    async with open_bot():
        question = ask(scene, "what is this?", picture())
        answer = await answered(scene, "what is this? (1)")
    async with open_bot():
        scene.discord.fail("GET", r"/messages$", times=2)
        people.delete(scene.discord, question)
        await eventually(lambda: answer.deleted)
