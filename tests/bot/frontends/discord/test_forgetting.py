"""What is deleted on Discord is forgotten: words, pictures, work under way, and the answer that quotes them."""

import asyncio
from typing import Any

import pytest

from bot.frontends.discord import Discord
from bot.frontends.discord.questions import Questions
from tests.bot.fakes import eventually
from tests.bot.frontends.discord.conftest import OpenBot, Scene
from tests.bot.frontends.discord.fake import people
from tests.bot.frontends.discord.fake.world import ALL
from tests.bot.frontends.discord.steps import (
    QUIET_S,
    answered,
    ask,
    first_conversation,
    is_forgotten,
    picture,
    stored,
    until_forgotten,
    whispered,
)


async def test_a_deleted_question_goes_with_its_pictures_and_its_answer(scene: Scene, bot: Discord) -> None:
    question = ask(scene, "what is this?", picture())
    answer = await answered(scene, "what is this? (1)")
    assert await stored(scene) == 1
    people.delete(scene.discord, question)
    await until_forgotten(scene, first_conversation(scene))
    assert await stored(scene) == 0
    await eventually(lambda: answer.deleted)


@pytest.mark.parametrize("denied", [frozenset(), frozenset({"create_public_threads"})])
async def test_a_deleted_question_goes_after_a_restart_too(
    scene: Scene, open_bot: OpenBot, denied: frozenset[str]
) -> None:
    scene.channel.denied = denied  # without a thread the answer stands in the channel
    async with open_bot():
        question = ask(scene, "what is this?", picture())
        answer = await answered(scene, "what is this? (1)")
    async with open_bot():
        people.delete(scene.discord, question)
        await eventually(lambda: answer.deleted)
    assert await stored(scene) == 0


async def test_a_follow_up_beside_a_command_goes_after_a_restart_too(scene: Scene, open_bot: OpenBot) -> None:
    async with open_bot():
        used = people.command(scene.discord, scene.ann, scene.channel, "describe", image=picture())
        described = await answered(scene, "describe (1)")
        assert described is used.original
        people.write(scene.discord, scene.ann, scene.channel, "and this?", target=described)
        await answered(scene, "and this? (0)")
        brought = [picture("b.png", "blue")]
        question = people.write(scene.discord, scene.ann, scene.channel, "my secret?", brought, target=described)
        answer = await answered(scene, "my secret? (1)")
    async with open_bot():
        people.delete(scene.discord, question)
        await eventually(lambda: answer.deleted)
    turns = (await scene.jobs.conversations.load(first_conversation(scene))).turns
    assert [turn.question for turn in turns] == ["", "and this?"]
    assert await stored(scene) == 1


async def test_deleting_a_question_that_is_being_answered_ends_the_work(scene: Scene, bot: Discord) -> None:
    scene.oracle.hold.clear()
    question = ask(scene, "what is this?", picture())
    await eventually(lambda: scene.oracle.claims)
    people.delete(scene.discord, question)
    answer = await answered(scene, "Forgotten, as asked.")
    assert answer.buttons == {}
    assert await stored(scene) == 0


async def test_one_question_of_a_thread_goes_and_the_others_stay(scene: Scene, bot: Discord) -> None:
    question = ask(scene, "one", picture())
    await answered(scene, "one (1)")
    second = people.write(scene.discord, scene.ann, question.thread, "two", [picture("b.png", "blue")])
    answer = await answered(scene, "two (1)")
    people.delete(scene.discord, second)
    await eventually(lambda: answer.deleted)
    turns = (await scene.jobs.conversations.load(first_conversation(scene))).turns
    assert [turn.question for turn in turns] == ["one"]
    assert await stored(scene) == 1


async def test_a_deletion_in_an_archived_thread_waits_for_discord_to_say_what_that_is(
    scene: Scene, open_bot: OpenBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.frontends.discord.client._PAUSE_S", 0.05)
    async with open_bot():
        question = ask(scene, "one", picture())
        await answered(scene, "one (1)")
        second = people.write(scene.discord, scene.ann, question.thread, "two", [picture("b.png", "blue")])
        answer = await answered(scene, "two (1)")
    assert question.thread is not None
    people.archive(scene.discord, question.thread)
    async with open_bot():
        scene.discord.fail("GET", rf"/channels/{question.thread.id}$", status=401, times=2)
        people.delete(scene.discord, second)
        await eventually(lambda: answer.deleted)
    turns = (await scene.jobs.conversations.load(first_conversation(scene))).turns
    assert [turn.question for turn in turns] == ["one"]


async def test_a_thread_is_looked_up_once_for_all_that_is_deleted_in_it(scene: Scene, open_bot: OpenBot) -> None:
    async with open_bot():
        question = ask(scene, "one", picture())
        await answered(scene, "one (1)")
        assert question.thread is not None
        chat = [people.write(scene.discord, scene.bob, question.thread, f"<@1> {n}") for n in range(3)]
    people.archive(scene.discord, question.thread)
    async with open_bot():
        people.delete_many(scene.discord, chat)
        await asyncio.sleep(0.5)
        looked_up = [call for call in scene.discord.calls if call.path == f"/channels/{question.thread.id}"]
        assert len(looked_up) == 1


async def test_bulk_deletion_reaches_every_question(scene: Scene, bot: Discord) -> None:
    questions = [ask(scene, text, picture(colour=text)) for text in ("red", "blue")]
    await answered(scene, "red (1)")
    await answered(scene, "blue (1)")
    people.delete_many(scene.discord, questions)
    for claim in scene.oracle.claims:
        await until_forgotten(scene, claim.job.conversation)
    assert await stored(scene) == 0


async def test_a_picture_goes_with_the_message_that_was_replied_to(scene: Scene, bot: Discord) -> None:
    question = ask(scene, "one", picture())
    await answered(scene, "one (1)")
    other = people.write(
        scene.discord, scene.bob, question.thread, f"{scene.ann.mention} see", [picture("b.png", "blue")]
    )
    people.write(scene.discord, scene.ann, question.thread, f"{scene.discord.bot.mention} and that?", target=other)
    await answered(scene, "and that? (1)")
    people.delete(scene.discord, other)
    threads = scene.jobs.conversations._state.threads
    await eventually(lambda: threads[first_conversation(scene)].dropped)
    assert await stored(scene) == 1


async def test_a_deleted_thread_goes_whole(scene: Scene, bot: Discord) -> None:
    question = ask(scene, "one", picture())
    await answered(scene, "one (1)")
    people.delete_channel(scene.discord, question.thread)
    await until_forgotten(scene, first_conversation(scene))
    assert await stored(scene) == 0


async def test_a_deleted_channel_goes_with_its_threads(scene: Scene, bot: Discord) -> None:
    ask(scene, "one", picture())
    await answered(scene, "one (1)")
    people.delete_channel(scene.discord, scene.channel)
    await until_forgotten(scene, first_conversation(scene))


async def test_a_server_that_removes_it_is_forgotten(scene: Scene, bot: Discord) -> None:
    other = scene.discord.add_channel(scene.discord.add_guild("other"))
    ask(scene, "one", picture())
    people.write(scene.discord, scene.ann, other, f"{scene.discord.bot.mention} elsewhere", [picture()])
    await answered(scene, "one (1)")
    await answered(scene, "elsewhere (1)")
    people.remove_bot(scene.discord, scene.guild)
    here, there = sorted(
        (claim.job.conversation for claim in scene.oracle.claims), key=lambda one: one.tenant != str(scene.guild.id)
    )
    await until_forgotten(scene, here)
    assert not await is_forgotten(scene, there)


async def test_forget_me_reaches_all_of_ones_questions_and_nobody_elses(scene: Scene, bot: Discord) -> None:
    question = ask(scene, "one", picture())
    await answered(scene, "one (1)")
    people.write(scene.discord, scene.bob, question.thread, "two")
    await answered(scene, "two (0)")
    said = await whispered(people.command(scene.discord, scene.ann, scene.channel, "forget", what="me"))
    assert said == "Forgotten: 1 answered question and 1 picture. Messages on Discord stay where they are."
    turns = (await scene.jobs.conversations.load(first_conversation(scene))).turns
    assert [turn.question for turn in turns] == ["two"]


async def test_a_conversation_of_several_is_forgotten_by_moderators_only(scene: Scene, bot: Discord) -> None:
    question = ask(scene, "one", picture())
    await answered(scene, "one (1)")
    assert question.thread is not None
    said = await whispered(
        people.command(scene.discord, scene.bob, question.thread, "forget", what="this conversation")
    )
    assert said == "Only whoever asked, or a moderator, can do that."
    scene.guild.members[scene.bob.id] = ALL
    said = await whispered(
        people.command(scene.discord, scene.bob, question.thread, "forget", what="this conversation")
    )
    assert said.startswith("Forgotten: 1 conversation, 1 answered question and 1 picture.")
    assert await is_forgotten(scene, first_conversation(scene))


async def test_nobody_forgets_a_question_of_somebody_else_that_still_waits(scene: Scene, bot: Discord) -> None:
    scene.oracle.hold.clear()
    question = ask(scene, "one", picture())
    await eventually(lambda: scene.oracle.claims)
    assert question.thread is not None
    said = await whispered(
        people.command(scene.discord, scene.bob, question.thread, "forget", what="this conversation")
    )
    assert said == "Only whoever asked, or a moderator, can do that."
    scene.oracle.hold.set()
    await answered(scene, "one (1)")


async def test_there_may_be_nothing_to_forget(scene: Scene, bot: Discord) -> None:
    said = await whispered(people.command(scene.discord, scene.ann, scene.channel, "forget", what="me"))
    assert said == "There was nothing to forget."


async def test_a_deleted_picture_goes_that_somebody_else_asked_about(scene: Scene, bot: Discord) -> None:
    original = people.write(scene.discord, scene.bob, scene.channel, "look", [picture()])
    ask(scene, "what is this?", target=original)
    await answered(scene, "what is this? (1)")
    assert await stored(scene) == 1
    people.delete(scene.discord, original)
    async with asyncio.timeout(5):
        while await stored(scene):
            await asyncio.sleep(0.01)
    assert not await is_forgotten(scene, first_conversation(scene)), "the question is another person's"


async def test_a_deleted_picture_goes_that_somebody_else_is_just_asking_about(scene: Scene, bot: Discord) -> None:
    scene.oracle.hold.clear()
    original = people.write(scene.discord, scene.bob, scene.channel, "look", [picture()])
    ask(scene, "what is this?", target=original)
    await eventually(lambda: scene.oracle.claims)
    people.delete(scene.discord, original)
    await asyncio.sleep(QUIET_S)
    scene.oracle.hold.set()
    await answered(scene, "what is this?")
    assert await stored(scene) == 0


async def test_a_message_that_is_deleted_while_its_words_are_waited_for_is_never_asked(
    scene: Scene, bot: Discord
) -> None:
    question = ask(scene, "", picture())
    await eventually(lambda: scene.discord.typing)
    people.delete(scene.discord, question)
    await asyncio.sleep(1.0)
    assert scene.oracle.claims == []
    assert scene.discord.posts == []


async def test_what_is_left_of_a_heap_is_a_question_of_its_own(scene: Scene, bot: Discord) -> None:
    wrong = ask(scene, "", picture("wrong.png"))
    await eventually(lambda: scene.discord.typing)
    people.write(scene.discord, scene.ann, scene.channel, "", [picture("right.png", "blue")])
    people.delete(scene.discord, wrong)
    await answered(scene, "ask (1)")
    (claim,) = scene.oracle.claims
    assert [one.name for one in claim.pictures] == ["right.png"]
    assert claim.job.conversation.thread == claim.job.source


async def test_a_message_that_is_deleted_while_it_is_read_is_forgotten_after(
    scene: Scene, bot: Discord, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads, original = asyncio.Event(), people.write(scene.discord, scene.bob, scene.channel, "look", [picture()])
    read = Questions.read

    async def read_slowly(*arguments: Any) -> Any:
        await reads.wait()
        return await read(*arguments)

    monkeypatch.setattr(Questions, "read", read_slowly)
    question = ask(scene, "what is this?", target=original)
    await asyncio.sleep(0.05)
    people.delete(scene.discord, question)
    await asyncio.sleep(0.05)
    reads.set()
    await asyncio.sleep(3 * QUIET_S)
    assert not any("what is this? (1)" in post.content for post in scene.discord.posts)
    assert not scene.jobs.conversations._state.pictures
    for conversation in list(scene.jobs.conversations._state.threads):
        assert await is_forgotten(scene, conversation)
