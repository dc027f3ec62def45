"""A file that is taken out of its message is not seen any more, whoever asked about it, and whenever."""

import asyncio

from bot.frontends.discord import Discord
from tests.bot.fakes import eventually
from tests.bot.frontends.discord.conftest import OpenBot, Scene
from tests.bot.frontends.discord.fake import people
from tests.bot.frontends.discord.fake.world import File, Message
from tests.bot.frontends.discord.steps import QUIET_S, answered, ask, first_conversation, picture, stored


def two_pictures() -> tuple[File, File]:
    return picture("a.png"), picture("b.png", "blue")


async def seen(scene: Scene) -> list[str]:
    """The pictures of the conversation, by name."""
    conversation = await scene.jobs.conversations.load(first_conversation(scene))
    return [one.name for one in conversation.pictures]


async def until_seen(scene: Scene, *names: str) -> None:
    async with asyncio.timeout(5):
        while await seen(scene) != list(names):
            await asyncio.sleep(0.01)


async def ask_about_two(scene: Scene) -> tuple[Message, File]:
    stays, goes = two_pictures()
    question = ask(scene, "what is this?", stays, goes)
    await answered(scene, "what is this? (2)")
    return question, goes


async def test_a_file_of_an_older_question_is_out_of_the_conversation(scene: Scene, bot: Discord) -> None:
    question, file = await ask_about_two(scene)
    people.write(scene.discord, scene.ann, question.thread, "and its colour?")
    await answered(scene, "and its colour? (0)")
    people.take_out(scene.discord, question, file)
    await until_seen(scene, "a.png")
    assert await stored(scene) == 1
    await asyncio.sleep(QUIET_S)
    assert len(scene.oracle.claims) == 2, "an older question is not answered again"


async def test_the_last_question_is_answered_again_without_it(scene: Scene, bot: Discord) -> None:
    question, file = await ask_about_two(scene)
    people.take_out(scene.discord, question, file)
    answer = await answered(scene, "what is this? (1)")
    assert scene.discord.posts == [answer]
    assert await seen(scene) == ["a.png"]
    assert await stored(scene) == 1


async def test_a_file_that_somebody_else_asked_about_goes_too(scene: Scene, bot: Discord) -> None:
    stays, goes = two_pictures()
    original = people.write(scene.discord, scene.bob, scene.channel, "look", [stays, goes])
    ask(scene, "what is this?", target=original)
    await answered(scene, "what is this? (2)")
    people.take_out(scene.discord, original, goes)
    await until_seen(scene, "a.png")
    assert await stored(scene) == 1


async def test_a_file_that_goes_while_somebody_else_asks_about_it_is_not_kept(scene: Scene, bot: Discord) -> None:
    scene.oracle.hold.clear()
    stays, goes = two_pictures()
    original = people.write(scene.discord, scene.bob, scene.channel, "look", [stays, goes])
    ask(scene, "what is this?", target=original)
    await eventually(lambda: scene.oracle.claims)
    people.take_out(scene.discord, original, goes)
    await asyncio.sleep(QUIET_S)
    scene.oracle.hold.set()
    await answered(scene, "what is this?")
    assert await stored(scene) == 1


async def test_it_goes_after_a_restart_too(scene: Scene, open_bot: OpenBot) -> None:
    async with open_bot():
        question, file = await ask_about_two(scene)
        people.write(scene.discord, scene.ann, question.thread, "and its colour?")
        await answered(scene, "and its colour? (0)")
    async with open_bot():
        people.take_out(scene.discord, question, file)
        await until_seen(scene, "a.png")


async def test_an_edit_of_the_words_takes_no_file_out(scene: Scene, bot: Discord) -> None:
    question, _ = await ask_about_two(scene)
    people.write(scene.discord, scene.ann, question.thread, "and its colour?")
    await answered(scene, "and its colour? (0)")
    people.edit(scene.discord, question, "now without a name")
    await asyncio.sleep(QUIET_S)
    assert await seen(scene) == ["a.png", "b.png"]
