"""Mentions, threads, follow-ups, direct messages: who is answered, where, and about which pictures."""

import asyncio
import time

import pytest

from bot.frontends.discord import Discord
from tests.bot.fakes import eventually
from tests.bot.frontends.discord.conftest import OpenBot, Scene
from tests.bot.frontends.discord.fake import people
from tests.bot.frontends.discord.fake.world import VOICE, File, Message, User, snowflake
from tests.bot.frontends.discord.steps import QUIET_S, answered, ask, picture

CLIP = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + b"\0" * 80


async def test_a_mention_is_answered_in_a_thread_that_it_opens(scene: Scene, bot: Discord) -> None:
    question = ask(scene, "what is this?", picture(), picture("dog.png", "blue"))
    answer = await answered(scene, "what is this? (2)")
    assert question.thread is not None
    assert answer.channel is question.thread
    assert question.thread.name == "what is this?"
    assert len(scene.discord.posts) == 1


async def test_pictures_are_numbered_where_there_are_several(scene: Scene, bot: Discord) -> None:
    question = ask(scene, "one", picture())
    first = await answered(scene, "one (1)")
    assert "Picture 1" not in first.content
    people.write(scene.discord, scene.ann, question.thread, "and this?", [picture("a_b.png", "blue")])
    second = await answered(scene, "and this? (1)")
    assert second.content.endswith("-# Picture 2: a\\_b.png")


async def test_a_follow_up_in_its_thread_needs_no_mention(scene: Scene, bot: Discord) -> None:
    question = ask(scene, "what is this?", picture())
    await answered(scene, "what is this?")
    people.write(scene.discord, scene.bob, question.thread, "and its colour?")
    answer = await answered(scene, "and its colour? (0)")
    assert answer.channel is question.thread
    turns = (await scene.jobs.conversations.load(scene.oracle.claims[0].job.conversation)).turns
    assert [turn.question for turn in turns] == ["what is this?", "and its colour?"]


async def test_a_direct_message_needs_no_mention(scene: Scene, bot: Discord) -> None:
    direct = scene.discord.direct(scene.ann)
    people.write(scene.discord, scene.ann, direct, "what is this?", [picture()])
    await answered(scene, "what is this? (1)")
    people.write(scene.discord, scene.ann, direct, "and that?")
    answer = await answered(scene, "and that? (0)")
    assert answer.channel is direct
    assert answer.target is None


async def test_in_a_thread_of_others_it_answers_where_it_is_mentioned_and_sees_the_first_message(
    scene: Scene, bot: Discord
) -> None:
    start = people.write(scene.discord, scene.bob, scene.channel, "look", [picture()])
    thread = people.open_thread(scene.discord, scene.bob, start)
    people.write(scene.discord, scene.ann, thread, "nice")
    people.write(scene.discord, scene.ann, thread, f"{scene.discord.bot.mention} what is it?")
    answer = await answered(scene, "what is it? (1)")
    assert answer.channel is thread
    assert len(scene.oracle.claims) == 1
    people.write(scene.discord, scene.ann, thread, f"{scene.discord.bot.mention} and now?")
    await answered(scene, "and now? (0)")


async def test_a_forgotten_thread_does_not_show_its_first_message_again(scene: Scene, bot: Discord) -> None:
    start = people.write(scene.discord, scene.bob, scene.channel, "look", [picture()])
    thread = people.open_thread(scene.discord, scene.bob, start)
    people.write(scene.discord, scene.ann, thread, f"{scene.discord.bot.mention} what is it?")
    await answered(scene, "what is it? (1)")
    await scene.jobs.conversations.forget(scene.oracle.claims[0].job.conversation)
    people.write(scene.discord, scene.ann, thread, f"{scene.discord.bot.mention} and now?")
    await answered(scene, "and now? (0)")


async def test_it_sees_the_first_message_of_a_forum_post(scene: Scene, bot: Discord) -> None:
    post = people.open_forum_post(scene.discord, scene.bob, scene.guild, "look", [picture()])
    people.write(scene.discord, scene.ann, post, f"{scene.discord.bot.mention} what is it?")
    answer = await answered(scene, "what is it? (1)")
    assert answer.channel is post


async def test_it_sees_the_pictures_of_the_message_that_is_replied_to(scene: Scene, bot: Discord) -> None:
    target = people.write(scene.discord, scene.bob, scene.channel, "look", [picture()])
    ask(scene, "same?", picture("dog.png", "blue"), target=target)
    answer = await answered(scene, "same? (2)")
    assert "Picture 1: cat.png · Picture 2: dog.png" in answer.content


async def test_ones_own_picture_is_seen_before_those_of_the_message_replied_to(scene: Scene, open_bot: OpenBot) -> None:
    async with open_bot(max_pictures=3):
        colours = ("red", "green", "gray")
        target = people.write(
            scene.discord, scene.bob, scene.channel, "look", [picture(f"{one}.png", one) for one in colours]
        )
        ask(scene, "same?", picture("mine.png", "blue"), target=target)
        answer = await answered(scene, "same? (3)")
    assert "Picture 1: green.png · Picture 2: gray.png · Picture 3: mine.png" in answer.content
    assert "skipped" not in answer.content


async def test_it_sees_the_pictures_of_forwarded_messages(scene: Scene, bot: Discord) -> None:
    original = people.write(scene.discord, scene.bob, scene.channel, "", [picture("far.png")])
    direct = scene.discord.direct(scene.ann)
    people.write(scene.discord, scene.ann, direct, forwarded=original)
    people.write(scene.discord, scene.ann, direct, "what is it?")
    await answered(scene, "what is it? (1)")
    target = people.write(scene.discord, scene.ann, scene.channel, forwarded=original)
    ask(scene, "and this?", target=target)
    await answered(scene, "and this? (1)")
    assert [picture.name for picture in scene.oracle.claims[1].pictures] == ["far.png"]


async def test_a_question_beside_a_forward_is_about_its_pictures(scene: Scene, bot: Discord) -> None:
    original = people.write(scene.discord, scene.bob, scene.channel, "", [picture("far.png")])
    people.write(scene.discord, scene.ann, scene.channel, forwarded=original)
    people.write(scene.discord, scene.bob, scene.channel, "nice")
    question = ask(scene, "what is it?")
    answer = await answered(scene, "what is it? (1)")
    assert answer.channel is question.thread
    people.edit(scene.discord, question, f"{scene.discord.bot.mention} whose is it?")
    await answered(scene, "whose is it? (1)")
    ask(scene, "and what is a fox?")
    await answered(scene, "and what is a fox? (0)")


@pytest.mark.parametrize("instead", ["own picture", "another's mention", "words between", "deleted", "much later"])
async def test_a_forward_that_a_question_does_not_come_with_is_left_alone(
    scene: Scene, bot: Discord, instead: str
) -> None:
    original = people.write(scene.discord, scene.bob, scene.channel, "", [picture("far.png")])
    forward = people.write(scene.discord, scene.ann, scene.channel, forwarded=original)
    if instead == "words between":
        people.write(scene.discord, scene.ann, scene.channel, "look at that")
    elif instead == "deleted":
        people.delete(scene.discord, forward)
    own = [picture("mine.png", "blue")] if instead == "own picture" else []
    asker = scene.bob if instead == "another's mention" else scene.ann
    if instead == "much later":
        late = Message(scene.channel, asker, f"{scene.discord.bot.mention} what is it?", id=snowflake(time.time() + 60))
        late.mentions = [scene.discord.bot]
        scene.discord.keep(late)
    else:
        ask(scene, "what is it?", *own, user=asker)
    await answered(scene, f"what is it? ({len(own)})")
    assert [picture.name for picture in scene.oracle.claims[0].pictures] == [file.name for file in own]


async def test_a_reply_to_an_answer_continues_its_conversation_without_a_thread(
    scene: Scene, open_bot: OpenBot
) -> None:
    scene.channel.denied = frozenset({"create_public_threads"})
    async with open_bot():
        question = ask(scene, "what is this?", picture())
        answer = await answered(scene, "what is this? (1)")
        assert answer.channel is scene.channel
        assert answer.target is question
        people.write(scene.discord, scene.ann, scene.channel, "and its colour?", target=answer)
        await answered(scene, "and its colour? (0)")
    first, second = (claim.job.conversation for claim in scene.oracle.claims)
    assert first == second


async def test_what_is_meant_for_others_is_not_answered(scene: Scene, bot: Discord) -> None:
    question = ask(scene, "what is this?", picture())
    await answered(scene, "what is this?")
    thread = question.thread
    comment = people.write(scene.discord, scene.bob, thread, f"{scene.ann.mention} have you seen it?")
    people.write(scene.discord, scene.ann, thread, "yes", target=comment)
    people.write(scene.discord, scene.ann, thread, "@everyone look")
    people.write(scene.discord, scene.bob, scene.channel, "what is this?", [picture()])
    await asyncio.sleep(QUIET_S)
    assert [claim.job.text for claim in scene.oracle.claims] == ["what is this?"]


async def test_bots_are_not_answered(scene: Scene, bot: Discord) -> None:
    robot = User("robot", bot=True)
    scene.discord.users[robot.id] = robot
    people.write(scene.discord, robot, scene.channel, f"{scene.discord.bot.mention} what is this?", [picture()])
    await asyncio.sleep(QUIET_S)
    assert scene.discord.posts == []


async def test_it_is_called_by_its_role_too_and_names_are_read_as_names(scene: Scene, bot: Discord) -> None:
    role = f"<@&{scene.guild.bot_role}>"
    people.write(
        scene.discord, scene.ann, scene.channel, f"{role} is this {scene.bob.mention} <:wave:77>?", [picture()]
    )
    await answered(scene, "is this @bob :wave:? (1)")


async def test_the_comma_after_its_name_is_no_part_of_what_is_said(scene: Scene, bot: Discord) -> None:
    me = scene.discord.bot.mention
    question = people.write(scene.discord, scene.ann, scene.channel, f"{me}, what is this?", [picture()])
    await answered(scene, "what is this? (1)")
    assert question.thread is not None
    assert question.thread.name == "what is this?"
    people.write(scene.discord, scene.ann, question.thread, f"{me}, stop listening")
    await answered(scene, "I no longer listen here.")
    assert len(scene.oracle.claims) == 1


async def test_roles_and_channels_are_read_as_names_and_so_stand_in_a_threads_title(
    scene: Scene, open_bot: OpenBot
) -> None:
    scene.guild.named_roles[77] = "designers"
    async with open_bot():
        question = ask(scene, f"is this for <@&77> or <#{scene.channel.id}>, not <#78>?", picture())
        await answered(scene, "is this for @designers or #general, not <#78>? (1)")
    assert question.thread is not None
    assert question.thread.name == "is this for @designers or #general, not <#78>?"


async def test_pictures_without_words_wait_for_their_words(scene: Scene, bot: Discord) -> None:
    question = ask(scene, "", picture())
    await asyncio.sleep(0.05)
    people.write(scene.discord, scene.ann, scene.channel, "what is this?")
    answer = await answered(scene, "what is this? (1)")
    assert answer.channel is question.thread
    assert scene.channel.id in scene.discord.typing
    assert len(scene.oracle.claims) == 1


async def test_pictures_whose_words_do_not_come_are_looked_at_without(scene: Scene, bot: Discord) -> None:
    ask(scene, "", picture())
    people.write(scene.discord, scene.bob, scene.channel, "what is this?")
    await answered(scene, "ask (1)")


async def test_more_pictures_join_those_that_wait(scene: Scene, bot: Discord) -> None:
    direct = scene.discord.direct(scene.ann)
    people.write(scene.discord, scene.ann, direct, "", [picture()])
    people.write(scene.discord, scene.ann, direct, "", [picture("dog.png", "blue")])
    people.write(scene.discord, scene.ann, direct, "the same?")
    await answered(scene, "the same? (2)")


async def test_a_bare_mention_is_told_what_to_do(scene: Scene, bot: Discord) -> None:
    question = ask(scene, "")
    answer = await answered(scene, "Nothing was asked. Please write a question, or send a picture.")
    assert answer.channel is scene.channel
    assert answer.target is question
    assert question.thread is None


async def test_help_is_helped(scene: Scene, bot: Discord) -> None:
    ask(scene, "Help!")
    assert "Mention me with pictures and a question" in (await answered(scene, "What is kept")).content
    assert not scene.oracle.claims


async def test_stop_listening_is_honoured_until_it_is_named_again(scene: Scene, open_bot: OpenBot) -> None:
    async with open_bot():
        question = ask(scene, "what is this?", picture())
        await answered(scene, "what is this?")
        people.write(scene.discord, scene.ann, question.thread, "Please stop listening.")
        await answered(scene, "I no longer listen here.")
    async with open_bot():
        people.write(scene.discord, scene.bob, question.thread, "just talking")
        people.write(scene.discord, scene.ann, question.thread, f"{scene.discord.bot.mention} its colour?")
        await answered(scene, "its colour?")
        people.write(scene.discord, scene.ann, question.thread, "start listening")
        await answered(scene, "I am listening again.")
        people.write(scene.discord, scene.ann, question.thread, "and its size?")
        await answered(scene, "and its size?")
    assert "just talking" not in [claim.job.text for claim in scene.oracle.claims]


async def test_without_the_message_content_intent_it_answers_mentions_and_replies_and_says_so(
    scene: Scene, open_bot: OpenBot, capsys: pytest.CaptureFixture[str]
) -> None:
    scene.discord.gateway.allowed_intents = 0
    async with open_bot():
        question = ask(scene, "what is this?", picture())
        answer = await answered(scene, "what is this? (1)")
        assert "Mention me to ask on" in answer.content
        people.write(scene.discord, scene.ann, question.thread, "unheard")
        people.write(scene.discord, scene.ann, question.thread, "and this?", target=answer)
        await answered(scene, "and this?")
    assert [claim.job.text for claim in scene.oracle.claims] == ["what is this?", "and this?"]
    said = capsys.readouterr().out
    assert "message content intent is off" in said
    assert "replies to it with the mention left on" in said


async def test_questions_of_one_thread_are_answered_in_order(scene: Scene, bot: Discord) -> None:
    question = ask(scene, "0", picture())
    await answered(scene, "0 (1)")
    asked = [f"number {number}" for number in range(1, 9)]
    for text in asked:
        people.write(scene.discord, scene.ann, question.thread, text)
    await answered(scene, "number 8")
    assert [claim.job.text for claim in scene.oracle.claims[1:]] == asked


async def test_an_event_that_comes_twice_is_one_question(scene: Scene, bot: Discord) -> None:
    question = ask(scene, "what is this?", picture())
    scene.discord.tell_message("MESSAGE_CREATE", question)
    await answered(scene, "what is this? (1)")
    scene.discord.tell_message("MESSAGE_CREATE", question)
    await asyncio.sleep(QUIET_S)
    assert len(scene.oracle.claims) == 1
    assert len(scene.discord.posts) == 1


async def test_what_was_written_while_the_gateway_was_cut_is_answered(scene: Scene, bot: Discord) -> None:
    await scene.discord.gateway.cut()
    ask(scene, "what is this?", picture())
    await eventually(lambda: scene.discord.gateway.resumed, within_s=15.0)
    await answered(scene, "what is this? (1)")
    assert len(scene.discord.posts) == 1


async def test_in_a_voice_channel_it_answers_without_a_thread(scene: Scene, bot: Discord) -> None:
    voice = scene.discord.add_channel(scene.guild, "voice", kind=VOICE)
    people.write(scene.discord, scene.ann, voice, f"{scene.discord.bot.mention} what is this?", [picture()])
    answer = await answered(scene, "what is this? (1)")
    assert answer.channel is voice


async def test_whoever_may_not_ask_is_told(scene: Scene, open_bot: OpenBot) -> None:
    async with open_bot(deny_users=frozenset({str(scene.ann.id)})):
        question = ask(scene, "what is this?", picture())
        answer = await answered(scene, "You may not ask here.")
        assert answer.target is question
        ask(scene, "and I?", picture(), user=scene.bob)
        await answered(scene, "and I? (1)")


async def test_a_picture_that_is_none_gets_a_verdict_and_the_others_are_seen(scene: Scene, bot: Discord) -> None:
    liar = File("holiday.png", b"MZ" + b"\0" * 5000)
    huge = File("huge.png", b"", says_bytes=14 * 1024**2)
    ask(scene, "what is this?", picture(), liar, huge)
    answer = await answered(scene, "what is this? (1)")
    assert "-# holiday.png skipped: it is" in answer.content
    assert "-# huge.png skipped: 14 MB, the limit is 10." in answer.content


async def test_only_a_picture_of_the_conversation_is_called_by_a_number(scene: Scene, bot: Discord) -> None:
    ask(scene, "which?", File("my_best_clip.mp4", CLIP), picture("a.png"), picture("b.png", "blue"))
    answer = await answered(scene, "which? (2)")
    assert answer.content.splitlines()[1:] == [
        "-# my\\_best\\_clip.mp4 skipped: it is a video, not a picture.",
        "-# Picture 1: a.png · Picture 2: b.png",
    ]


async def test_where_every_file_is_refused_their_names_are_no_markdown(scene: Scene, bot: Discord) -> None:
    ask(scene, "which?", File("my_best_clip.mp4", CLIP))
    await answered(scene, "my\\_best\\_clip.mp4 skipped: it is a video, not a picture. No picture is left")
