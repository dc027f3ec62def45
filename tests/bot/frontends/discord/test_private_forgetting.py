"""What private questions took from a thread goes with it; what they are besides is theirs."""

from bot.frontends.discord import Discord
from tests.bot.fakes import eventually
from tests.bot.frontends.discord.conftest import Scene
from tests.bot.frontends.discord.fake import people
from tests.bot.frontends.discord.fake.world import Channel, File, Message, User
from tests.bot.frontends.discord.steps import (
    answered,
    ask,
    first_conversation,
    is_forgotten,
    picture,
    stored,
    until_forgotten,
    whispered,
)

ONE_OF_ANN = "Forgotten: 1 conversation, 1 answered question and 1 picture. Messages on Discord stay where they are."


async def begin(scene: Scene) -> Channel:
    question = ask(scene, "what is this?", picture())
    await answered(scene, "what is this? (1)")
    assert question.thread is not None
    return question.thread


async def ask_in_private(scene: Scene, user: User, thread: Channel, **options: File) -> Message:
    used = people.command(scene.discord, user, thread, "ask", question="and now?", private=True, **options)
    await eventually(lambda: used.texts and "and now?" in used.texts[0])
    assert used.original is not None
    return used.original


async def forget(scene: Scene, thread: Channel) -> str:
    return await whispered(people.command(scene.discord, scene.ann, thread, "forget", what="this conversation"))


async def test_ones_own_private_question_about_a_thread_goes_with_it(scene: Scene, bot: Discord) -> None:
    thread = await begin(scene)
    await ask_in_private(scene, scene.ann, thread)
    assert (await forget(scene, thread)).startswith("Forgotten: 2 conversations, 2 answered questions and 1 picture.")
    assert await stored(scene) == 0
    assert await is_forgotten(scene, scene.oracle.claims[1].job.conversation)


async def test_it_goes_when_its_picture_was_only_replied_to(scene: Scene, bot: Discord) -> None:
    shown = people.write(scene.discord, scene.bob, scene.channel, "look", [picture()])
    words = f"{scene.discord.bot.mention} what is this?"
    question = people.write(scene.discord, scene.ann, scene.channel, words, target=shown)
    await answered(scene, "what is this? (1)")
    assert question.thread is not None
    await ask_in_private(scene, scene.ann, question.thread)
    await forget(scene, question.thread)
    assert await is_forgotten(scene, scene.oracle.claims[1].job.conversation)
    assert await stored(scene) == 0


async def test_who_asked_nothing_takes_nothing_from_others(scene: Scene, bot: Discord) -> None:
    thread = await begin(scene)
    await forget(scene, thread)
    words = f"{scene.ann.mention} see"
    other = people.write(scene.discord, scene.bob, thread, words, [picture("b.png", "blue")])
    used = people.menu(scene.discord, scene.bob, "Describe image", other)
    await eventually(lambda: used.texts and "describe (1)" in used.texts[0])
    assert await forget(scene, thread) == "There was nothing to forget."
    assert await stored(scene) == 1


async def test_a_private_question_of_somebody_else_loses_the_pictures_of_the_thread_and_stays(
    scene: Scene, bot: Discord
) -> None:
    thread = await begin(scene)
    people.command(scene.discord, scene.ann, thread, "describe", image=picture("ann.png", "green"))
    await answered(scene, "describe (1)")
    answer = await ask_in_private(scene, scene.bob, thread, image=picture("bob.png", "blue"))
    assert "and now? (3)" in answer.content
    said = await forget(scene, thread)
    assert said.startswith("Forgotten: 1 conversation, 2 answered questions")
    bobs = await scene.jobs.conversations.load(scene.oracle.claims[2].job.conversation)
    assert [turn.question for turn in bobs.turns] == ["and now?"]
    assert [one.name for one in bobs.pictures] == ["bob.png"]
    assert await stored(scene) == 1


async def test_a_private_question_that_took_nothing_from_the_thread_stays_as_it_is(scene: Scene, bot: Discord) -> None:
    thread = await begin(scene)
    for user in (scene.ann, scene.bob):
        image = picture(f"{user.name}.png", "blue")
        used = people.command(scene.discord, user, thread, "ocr", image=image, private=True)
        await eventually(lambda used=used: used.texts and "ocr (1)" in used.texts[0])
    assert await forget(scene, thread) == ONE_OF_ANN
    for claim in scene.oracle.claims[1:]:
        assert not await is_forgotten(scene, claim.job.conversation)


async def test_what_was_looked_at_from_a_menu_goes_with_a_deleted_thread(scene: Scene, bot: Discord) -> None:
    thread = await begin(scene)
    words = f"{scene.ann.mention} see"
    other = people.write(scene.discord, scene.bob, thread, words, [picture("b.png", "blue")])
    used = people.menu(scene.discord, scene.ann, "Describe image", other)
    await eventually(lambda: used.texts and "describe (1)" in used.texts[0])
    assert await stored(scene) == 2
    people.delete_channel(scene.discord, thread)
    await until_forgotten(scene, first_conversation(scene))
    assert await stored(scene) == 0
