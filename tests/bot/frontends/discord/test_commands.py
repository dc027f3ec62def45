"""Slash commands, message menus, the form: acknowledged at once, answered in full, private where they should be."""

import time

import pytest
from PIL import Image

from bot.frontends.discord import Discord
from jobs import JobKind
from tests.bot.fakes import eventually
from tests.bot.frontends.discord.conftest import OpenBot, Scene
from tests.bot.frontends.discord.fake import people
from tests.bot.frontends.discord.fake.world import Interaction, Message
from tests.bot.frontends.discord.steps import answered, ask, picture
from tests.bot.pictures import opened


async def until_says(interaction: Interaction, text: str) -> Message:
    await eventually(lambda: any(text in said for said in interaction.texts))
    assert interaction.acknowledged_within_s < 1.0
    assert interaction.original is not None
    return interaction.original


async def test_ocr_gives_the_text_in_a_code_block(scene: Scene, bot: Discord) -> None:
    scene.oracle.answer = lambda _: "TOTAL  12.50\n`ok`"
    used = people.command(
        scene.discord, scene.ann, scene.channel, "ocr", image=picture(), image2=picture("b.png", "blue")
    )
    answer = await until_says(used, "TOTAL")
    assert answer.content.startswith("```\nTOTAL  12.50\n`ok`\n```")
    assert scene.oracle.claims[0].job.kind is JobKind.OCR
    assert len(scene.oracle.claims[0].pictures) == 2
    assert answer.seen_by is None


@pytest.mark.parametrize("rows", [160, 500])
async def test_a_long_text_comes_as_a_file_too(scene: Scene, bot: Discord, rows: int) -> None:
    text = "".join(f"row {number}: {number * 7}\n" for number in range(rows))
    scene.oracle.answer = lambda _: text
    used = people.command(scene.discord, scene.ann, scene.channel, "ocr", image=picture())
    answer = await until_says(used, "row 0")
    assert [file.name for file in answer.files] == ["text.txt"]
    assert answer.files[0].content.decode() == text
    beginning, _, small_print = answer.content.removeprefix("```\n").partition("\n```\n")
    assert text.startswith(beginning)
    assert small_print == "-# The whole text is in the file."
    assert len(scene.discord.posts) == 1


async def test_compare_answers_in_a_table_that_names_the_pictures(scene: Scene, bot: Discord) -> None:
    scene.oracle.answer = lambda _: "Both are squares.\n| | 1 | 2 |\n|---|---|---|\n| colour | red | blue |"
    used = people.command(
        scene.discord,
        scene.ann,
        scene.channel,
        "compare",
        image1=picture(),
        image2=picture("b.png", "blue"),
        question="colour?",
    )
    answer = await until_says(used, "Both are squares.")
    assert "colour  red     blue" in answer.content
    assert "Picture 1: cat.png · Picture 2: b.png" in answer.content
    assert scene.oracle.claims[0].job.text == "colour?"


async def test_a_comparison_without_a_table_gets_one(scene: Scene, bot: Discord) -> None:
    scene.oracle.answer = lambda _: "The square is blue now."
    used = people.command(
        scene.discord, scene.ann, scene.channel, "compare", image1=picture(), image2=picture("b.png", "blue")
    )
    answer = await until_says(used, "The square is blue now.")
    assert "1, 2      The square is blue now." in answer.content


async def test_compare_takes_the_pictures_of_the_thread_when_none_are_given(scene: Scene, bot: Discord) -> None:
    question = ask(scene, "look", picture(), picture("b.png", "blue"))
    await answered(scene, "look (2)")
    assert question.thread is not None
    used = people.command(scene.discord, scene.ann, question.thread, "compare")
    await until_says(used, "compare (0)")
    assert scene.oracle.claims[1].job.conversation == scene.oracle.claims[0].job.conversation


async def test_compare_asks_for_pictures_where_there_are_none(scene: Scene, bot: Discord) -> None:
    used = people.command(scene.discord, scene.ann, scene.channel, "compare", image1=picture())
    answer = await until_says(used, "Comparing takes two pictures or more.")
    assert answer.seen_by is scene.ann
    assert scene.oracle.claims == []


async def test_a_command_in_a_channel_is_a_conversation_of_its_own_that_a_reply_continues(
    scene: Scene, bot: Discord
) -> None:
    used = people.command(scene.discord, scene.ann, scene.channel, "ask", question="what is this?", image=picture())
    answer = await until_says(used, "what is this? (1)")
    people.write(scene.discord, scene.ann, scene.channel, "and its colour?", target=answer)
    await answered(scene, "and its colour? (0)")
    first, second = (claim.job.conversation for claim in scene.oracle.claims)
    assert first == second
    assert first.thread == str(used.id)


async def test_a_private_answer_is_seen_by_its_asker_and_can_be_shared(scene: Scene, bot: Discord) -> None:
    used = people.command(scene.discord, scene.ann, scene.channel, "describe", image=picture(), private=True)
    answer = await until_says(used, "describe (1)")
    assert answer.seen_by is scene.ann
    assert answer.buttons.keys() == {"Share"}
    shared = people.press(scene.discord, scene.ann, answer, "Share")
    await eventually(lambda: shared.follow_ups)
    assert shared.follow_ups[0].content == f"describe (1)\n-# Shared by {scene.ann.mention}"
    assert shared.follow_ups[0].seen_by is None
    assert not shared.follow_ups[0].pings
    assert answer.buttons == {}


@pytest.mark.parametrize(("name", "kind"), [("Read text", JobKind.OCR), ("Describe image", JobKind.DESCRIBE)])
async def test_the_menu_of_a_message_answers_privately(scene: Scene, bot: Discord, name: str, kind: JobKind) -> None:
    message = people.write(scene.discord, scene.bob, scene.channel, "look", [picture()])
    used = people.menu(scene.discord, scene.ann, name, message)
    answer = await until_says(used, f"{kind} (1)")
    assert answer.seen_by is scene.ann
    assert scene.oracle.claims[0].job.kind is kind


async def test_the_form_asks_about_the_pictures_of_a_message(scene: Scene, bot: Discord) -> None:
    message = people.write(scene.discord, scene.bob, scene.channel, "look", [picture()])
    used = people.menu(scene.discord, scene.ann, "Ask about this image", message)
    await eventually(lambda: used.form)
    sent = people.submit(scene.discord, used, "what is this?")
    answer = await until_says(sent, "what is this? (1)")
    assert answer.seen_by is scene.ann


async def test_a_message_without_a_picture_has_nothing_for_its_menu(scene: Scene, bot: Discord) -> None:
    message = people.write(scene.discord, scene.bob, scene.channel, "just words")
    used = people.menu(scene.discord, scene.ann, "Read text", message)
    await until_says(used, "There is no picture in that message.")


async def test_an_answer_after_the_fifteen_minutes_still_lands(scene: Scene, bot: Discord) -> None:
    scene.oracle.hold.clear()
    used = people.command(scene.discord, scene.ann, scene.channel, "describe", image=picture())
    await eventually(lambda: scene.oracle.claims)
    scene.discord.token_lives_s = 0.0
    scene.oracle.hold.set()
    answer = await answered(scene, "describe (1)")
    assert answer is used.original
    assert len(scene.discord.posts) == 1


async def test_after_the_fifteen_minutes_a_deleted_response_is_a_new_message_in_the_channel(
    scene: Scene, bot: Discord
) -> None:
    scene.oracle.hold.clear()
    used = people.command(scene.discord, scene.ann, scene.channel, "describe", image=picture())
    await eventually(lambda: scene.oracle.claims)
    assert used.original is not None
    people.delete(scene.discord, used.original)
    scene.discord.token_lives_s = 0.0
    scene.oracle.hold.set()
    answer = await answered(scene, "describe (1)")
    assert answer.channel is scene.channel
    assert answer is not used.original


async def test_a_private_answer_that_comes_too_late_goes_to_the_askers_direct_messages(
    scene: Scene, bot: Discord
) -> None:
    scene.oracle.hold.clear()
    people.command(scene.discord, scene.ann, scene.channel, "describe", image=picture(), private=True)
    await eventually(lambda: scene.oracle.claims)
    scene.discord.token_lives_s = 0.0
    scene.oracle.hold.set()
    answer = await answered(scene, "describe (1)")
    assert answer.channel is scene.discord.direct(scene.ann)


async def test_a_command_is_answered_where_the_bot_may_not_write(scene: Scene, bot: Discord) -> None:
    scene.channel.denied = frozenset({"send_messages"})
    scene.oracle.answer = lambda _: "long " * 600
    used = people.command(scene.discord, scene.ann, scene.channel, "describe", image=picture())
    await eventually(lambda: used.follow_ups)
    assert sum(text.count("long") for text in used.texts) == 600


async def test_what_is_refused_is_told_in_the_response(scene: Scene, open_bot: OpenBot) -> None:
    async with open_bot(user_burst=1, user_per_minute=1):
        first = people.command(scene.discord, scene.ann, scene.channel, "describe", image=picture())
        await until_says(first, "describe (1)")
        second = people.command(scene.discord, scene.ann, scene.channel, "describe", image=picture())
        await until_says(second, "Please try again in")


async def test_a_file_that_came_with_a_command_is_fetched_again_when_its_address_has_expired(
    scene: Scene, bot: Discord
) -> None:
    late = picture()
    late.lives_s = -1.0
    used = people.command(scene.discord, scene.ann, scene.channel, "describe", image=late)
    await until_says(used, "describe (1)")


async def test_images_shows_the_numbered_pictures_and_drops_one(scene: Scene, bot: Discord) -> None:
    question = ask(scene, "look", picture("a.png"), picture("b.png", "blue"))
    await answered(scene, "look (2)")
    assert question.thread is not None
    used = people.command(scene.discord, scene.ann, question.thread, "images")
    shown = await until_says(used, "The 2 pictures that I see here:")
    assert shown.seen_by is scene.ann
    assert [embed["title"] for embed in shown.embeds] == ["Picture 1", "Picture 2"]
    assert [file.name for file in shown.files] == ["1.jpg", "2.jpg"]
    assert isinstance(opened(shown.files[0].content), Image.Image)
    choice = people.choose(scene.discord, scene.ann, shown, "Drop a picture", "1")
    await until_says(choice, "Picture 1 is dropped. I do not see it any more.")
    conversation = await scene.jobs.conversations.load(scene.oracle.claims[0].job.conversation)
    assert [picture.number for picture in conversation.pictures] == [2]


async def test_a_picture_is_dropped_by_whoever_brought_it(scene: Scene, bot: Discord) -> None:
    question = ask(scene, "look", picture())
    await answered(scene, "look (1)")
    assert question.thread is not None
    shown = await until_says(people.command(scene.discord, scene.bob, question.thread, "images"), "The picture")
    choice = people.choose(scene.discord, scene.bob, shown, "Drop a picture", "1")
    await until_says(choice, "Only whoever asked, or a moderator, can do that.")


async def test_images_says_where_there_are_none(scene: Scene, bot: Discord) -> None:
    used = people.command(scene.discord, scene.ann, scene.channel, "images")
    await until_says(used, "I remember nothing here.")


async def test_help_says_what_is_kept_and_whether_it_is_well(scene: Scene, bot: Discord) -> None:
    used = people.command(scene.discord, scene.ann, scene.channel, "help")
    answer = await until_says(used, "They are kept for 7 days after the last question.")
    assert answer.seen_by is scene.ann
    assert len(answer.content) < 2_000
    assert "0 questions waiting" in answer.content


async def test_an_interaction_is_acknowledged_before_anything_else_is_done(scene: Scene, bot: Discord) -> None:
    slow = picture()
    slow.pause_s = 2.0
    began = time.time()
    used = people.command(scene.discord, scene.ann, scene.channel, "describe", image=slow)
    await eventually(lambda: used.answered_at)
    assert time.time() - began < 1.5
    await until_says(used, "describe (1)")


async def test_a_private_question_in_a_thread_is_about_its_pictures_too(scene: Scene, bot: Discord) -> None:
    question = ask(scene, "what is this?", picture())
    await answered(scene, "what is this? (1)")
    used = people.command(scene.discord, scene.ann, question.thread, "ask", question="what colour is it", private=True)
    await eventually(lambda: used.texts and "what colour is it (1)" in used.texts[0])
    people.write(scene.discord, scene.ann, question.thread, "two", [picture("b.png", "blue")])
    await answered(scene, "two (1)")
    used = people.command(scene.discord, scene.ann, question.thread, "compare", private=True)
    await eventually(lambda: used.texts and "compare (2)" in used.texts[0])
    mine = people.command(
        scene.discord,
        scene.ann,
        question.thread,
        "compare",
        image1=picture("c.png", "green"),
        image2=picture("d.png", "gray"),
        private=True,
    )
    await eventually(lambda: mine.texts and "compare (2)" in mine.texts[0])
    assert [one.name for one in scene.oracle.claims[-1].pictures] == ["c.png", "d.png"]


async def test_a_private_question_brings_its_own_picture_and_as_many_of_the_thread_as_there_is_room_for(
    scene: Scene, bot: Discord
) -> None:
    names = [f"{number}.png" for number in range(10)]
    question = ask(scene, "what?", *(picture(name, f"rgb({20 * n}, 0, 0)") for n, name in enumerate(names)))
    await answered(scene, "what? (10)")
    mine = picture("mine.png", "blue")
    people.command(scene.discord, scene.ann, question.thread, "ask", question="and this?", image=mine, private=True)
    await eventually(lambda: len(scene.oracle.claims) == 2)
    assert [one.name for one in scene.oracle.claims[1].pictures] == [*names[1:], "mine.png"]
