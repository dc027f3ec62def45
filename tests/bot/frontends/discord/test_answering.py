"""How an answer appears: its first sign, the words on their way, the final text, whatever Discord does meanwhile."""

import asyncio
import time

from bot.frontends.discord import Discord
from jobs import Delta, Failed
from tests.bot.fakes import eventually
from tests.bot.frontends.discord.conftest import LEASE_S, OpenBot, Scene
from tests.bot.frontends.discord.fake import people
from tests.bot.frontends.discord.fake.world import NEEDED, Message
from tests.bot.frontends.discord.steps import answered, ask, picture

POST, EDIT = r"/channels/\d+/messages$", r"/channels/\d+/messages/\d+$"
SUPPRESS_EMBEDS = 1 << 2


async def placeholder(scene: Scene) -> Message:
    await eventually(lambda: scene.discord.posts)
    return scene.discord.posts[0]


async def test_the_first_sign_comes_at_once_and_says_how_things_stand(scene: Scene, bot: Discord) -> None:
    scene.oracle.room = 0
    began = time.monotonic()
    ask(scene, "what is this?", picture())
    sign = await placeholder(scene)
    assert time.monotonic() - began < 1.0
    assert sign.content == "-# Next in line"
    assert sign.buttons.keys() == {"Stop"}
    await eventually(lambda: sign.channel.id in scene.discord.typing)


async def test_words_are_shown_as_they_come_and_the_final_text_in_the_same_message(scene: Scene, bot: Discord) -> None:
    scene.oracle.hold.clear()
    scene.oracle.words = "A red"
    ask(scene, "what is this?", picture())
    sign = await placeholder(scene)
    await eventually(lambda: sign.content == "A red")
    assert sign.buttons.keys() == {"Stop"}
    scene.oracle.answer = lambda _: "A red cat."
    scene.oracle.hold.set()
    await answered(scene, "A red cat.")
    assert sign.content == "A red cat."
    assert len(scene.discord.posts) == 1


async def test_an_answer_that_begins_anew_takes_its_second_message_back(scene: Scene, bot: Discord) -> None:
    scene.oracle.hold.clear()
    scene.oracle.words = "words " * 400
    ask(scene, "what is this?", picture())
    await eventually(lambda: len(scene.discord.posts) == 2)
    (claim,) = scene.oracle.claims
    await scene.jobs.queue_out.publish(claim, Delta(attempt=claim.attempt, offset=0, text="No, a dog"))
    await eventually(lambda: [post.content for post in scene.discord.posts] == ["No, a dog"])


async def test_a_draft_is_of_no_more_messages_than_an_answer(scene: Scene, bot: Discord) -> None:
    scene.oracle.hold.clear()
    scene.oracle.words = "A sentence of words. " * 450
    scene.oracle.answer = lambda _: scene.oracle.words
    ask(scene, "what does it say?", picture())
    await eventually(lambda: len(scene.discord.posts) == 2)
    await asyncio.sleep(0.5)
    drafted = list(scene.discord.posts)
    scene.oracle.hold.set()
    await answered(scene, "(The whole answer is in the file.)")
    assert scene.discord.posts == drafted
    assert len(scene.discord.made("POST", POST)) == 2


async def test_edits_keep_to_discords_pace(scene: Scene, bot: Discord) -> None:
    scene.discord.limits.faster = 1.0
    scene.oracle.hold.clear()
    scene.oracle.words = "word " * 200
    ask(scene, "what is this?", picture())
    await asyncio.sleep(3.0)
    scene.oracle.hold.set()
    await answered(scene, "what is this? (1)")
    assert scene.discord.limits.refused == 0


async def test_nobody_is_pinged_and_nothing_unfolds(scene: Scene, bot: Discord) -> None:
    scene.oracle.answer = lambda _: f"@everyone {scene.bob.mention} https://example.com"
    ask(scene, "what is this?", picture())
    answer = await answered(scene, "@everyone")
    assert not answer.pings
    posts = scene.discord.made("POST", POST) + scene.discord.made("PATCH", EDIT)
    assert all(call.body["allowed_mentions"] == {"parse": []} for call in posts)
    assert all(call.body["flags"] & SUPPRESS_EMBEDS for call in posts)


async def test_a_long_answer_is_split_without_breaking_its_code(scene: Scene, bot: Discord) -> None:
    code = "\n".join(f"line_{number} = {number}" for number in range(160))
    scene.oracle.answer = lambda _: f"Here it is:\n```py\n{code}\n```\nThat is all."
    ask(scene, "what does it say?", picture())
    last = await answered(scene, "That is all.")
    first = scene.discord.posts[0]
    assert [post.content.count("```") for post in (first, last)] == [2, 2]
    assert last.content.startswith("```py\nline_")
    assert first.buttons == {}
    assert "Regenerate" in last.buttons


async def test_a_very_long_answer_becomes_a_file_with_an_excerpt(scene: Scene, bot: Discord) -> None:
    scene.oracle.answer = lambda _: "All of it. " * 700
    ask(scene, "what does it say?", picture())
    last = await answered(scene, "(The whole answer is in the file.)")
    first = scene.discord.posts[0]
    assert [file.name for file in first.files] == ["answer.md"]
    assert first.files[0].content.decode() == "All of it. " * 700
    assert sum(len(post.content) for post in scene.discord.posts) < 4_000
    assert last is scene.discord.posts[-1]


async def test_a_storm_of_429_delays_the_final_text_and_loses_nothing(scene: Scene, bot: Discord) -> None:
    scene.oracle.hold.clear()
    ask(scene, "what is this?", picture())
    sign = await placeholder(scene)
    scene.discord.fail("PATCH", EDIT, status=429, times=3, retry_after=0.2)
    scene.oracle.hold.set()
    await answered(scene, "what is this? (1)")
    assert scene.discord.posts == [sign]


async def test_a_post_whose_response_was_lost_is_not_made_twice(scene: Scene, bot: Discord) -> None:
    scene.discord.fail("POST", POST, status=None, after=True)
    ask(scene, "what is this?", picture())
    await answered(scene, "what is this? (1)")
    assert len(scene.discord.made("POST", POST)) == 2
    assert len(scene.discord.posts) == 1


async def test_an_edit_whose_response_was_lost_is_made_again_in_place(scene: Scene, bot: Discord) -> None:
    scene.oracle.hold.clear()
    ask(scene, "what is this?", picture())
    sign = await placeholder(scene)
    scene.discord.fail("PATCH", EDIT, status=None, after=True, times=2)
    scene.oracle.hold.set()
    await answered(scene, "what is this? (1)")
    assert scene.discord.posts == [sign]


async def test_the_final_text_is_a_new_message_where_the_placeholder_was_deleted(scene: Scene, bot: Discord) -> None:
    scene.oracle.hold.clear()
    ask(scene, "what is this?", picture())
    sign = await placeholder(scene)
    people.delete(scene.discord, sign)
    scene.oracle.hold.set()
    answer = await answered(scene, "what is this? (1)")
    assert answer is not sign
    assert scene.discord.posts == [answer]


async def test_an_archived_thread_is_woken_for_the_answer(scene: Scene, bot: Discord) -> None:
    scene.oracle.hold.clear()
    question = ask(scene, "what is this?", picture())
    sign = await placeholder(scene)
    people.archive(scene.discord, question.thread)
    scene.oracle.hold.set()
    await answered(scene, "what is this? (1)")
    assert scene.discord.posts == [sign]
    assert not question.thread.archived


async def test_the_answer_of_a_locked_thread_stands_in_its_channel(scene: Scene, bot: Discord) -> None:
    scene.oracle.hold.clear()
    question = ask(scene, "what is this?", picture())
    await placeholder(scene)
    people.archive(scene.discord, question.thread, locked=True)
    scene.oracle.hold.set()
    answer = await answered(scene, "what is this? (1)")
    assert answer.channel is scene.channel
    assert answer.target is question
    assert f"-# Not in <#{question.thread.id}>: The thread is archived." in answer.content


async def test_what_fails_is_told_with_a_button_to_try_again(scene: Scene, bot: Discord) -> None:
    scene.oracle.answer = lambda _: Failed(code="model_unavailable", advice="The model is not there.", notices=("Hm.",))
    ask(scene, "what is this?", picture())
    answer = await answered(scene, "The model is not there.\n-# Hm.")
    scene.oracle.answer = lambda _: "It is."
    assert answer.buttons.keys() == {"Regenerate"}
    people.press(scene.discord, scene.ann, answer, "Regenerate")
    await eventually(lambda: answer.content == "It is.")


async def test_missing_permissions_are_named_where_the_answer_stands(scene: Scene, bot: Discord) -> None:
    scene.channel.denied = frozenset({"create_public_threads"})
    scene.discord.tell("CHANNEL_UPDATE", scene.channel.payload(), 1)
    ask(scene, "what is this?", picture())
    answer = await answered(scene, "what is this? (1)")
    assert '-# No thread: I lack the permission "Create Public Threads" there.' in answer.content


async def test_where_it_may_not_write_at_all_the_asker_hears_it_in_private(scene: Scene, bot: Discord) -> None:
    scene.channel.denied = frozenset({"send_messages", "send_messages_in_threads"})
    scene.discord.tell("CHANNEL_UPDATE", scene.channel.payload(), 1)
    ask(scene, "what is this?", picture())
    answer = await answered(scene, "what is this? (1)")
    assert answer.channel is scene.discord.direct(scene.ann)
    assert '"Send Messages"' in answer.content


async def test_without_permission_to_read_the_history_it_answers_without_a_reference(
    scene: Scene, bot: Discord
) -> None:
    scene.channel.denied = frozenset({"create_public_threads", "read_message_history"})
    scene.discord.tell("CHANNEL_UPDATE", scene.channel.payload(), 1)
    ask(scene, "what is this?", picture())
    answer = await answered(scene, "what is this? (1)")
    assert answer.channel is scene.channel
    assert answer.target is None


async def test_without_permission_to_attach_files_the_whole_text_is_written_out(
    scene: Scene, open_bot: OpenBot
) -> None:
    scene.guild.members[scene.discord.bot.id] = NEEDED - {"attach_files"}
    scene.oracle.answer = lambda _: "All of it. " * 700
    async with open_bot():
        ask(scene, "what does it say?", picture())
        await answered(scene, 'if I had the permission "Attach Files"')
    assert sum(post.content.count("All of it.") for post in scene.discord.posts) == 700


async def test_a_bot_killed_in_mid_answer_is_relieved_by_the_next(scene: Scene, open_bot: OpenBot) -> None:
    scene.oracle.hold.clear()
    async with open_bot():
        ask(scene, "what is this?", picture())
        sign = await placeholder(scene)
        await eventually(lambda: scene.oracle.claims)
    scene.jobs.clock.advance(LEASE_S + 1)
    scene.oracle.hold.set()
    async with open_bot():
        await answered(scene, "what is this? (1)")
        assert scene.discord.posts == [sign]


async def test_a_bot_killed_in_mid_intake_is_relieved_by_the_next(scene: Scene, open_bot: OpenBot) -> None:
    slow = picture()
    slow.pause_s = 0.5
    async with open_bot():
        ask(scene, "what is this?", slow)
        await placeholder(scene)
    assert scene.oracle.claims == []
    scene.jobs.clock.advance(LEASE_S + 1)
    async with open_bot():
        await answered(scene, "what is this? (1)")
    assert len(scene.discord.posts) == 1


async def test_a_bot_killed_between_a_post_and_its_record_does_not_post_again(scene: Scene, open_bot: OpenBot) -> None:
    scene.oracle.hold.clear()
    scene.discord.fail("POST", POST, status=None, after=True, times=1)
    async with open_bot():
        ask(scene, "what is this?", picture())
        sign = await placeholder(scene)
    scene.jobs.clock.advance(LEASE_S + 1)
    scene.oracle.hold.set()
    async with open_bot():
        await answered(scene, "what is this? (1)")
    assert scene.discord.posts == [sign]


async def test_a_picture_whose_address_has_expired_is_fetched_from_its_message(scene: Scene, bot: Discord) -> None:
    late = picture()
    late.lives_s = -1.0
    question = ask(scene, "", late)
    late.lives_s = 3600.0
    await answered(scene, "(1)")
    assert len(scene.discord.made("GET", rf"/messages/{question.id}$")) == 1


async def test_pictures_that_stall_or_are_cut_short_get_their_verdicts(scene: Scene, open_bot: OpenBot) -> None:
    stalling, cut = picture("stalling.png"), picture("cut.png")
    stalling.pause_s = 2.0
    cut.cut_at = 40
    async with open_bot(fetch_timeout_s=0.3):
        ask(scene, "what is this?", picture(), stalling, cut)
        answer = await answered(scene, "what is this? (1)")
    assert "-# stalling.png skipped: it took more than 0.3 s to arrive." in answer.content
    assert "-# cut.png skipped: it cannot be fetched (it was cut short on the way)." in answer.content


async def test_a_worker_killed_in_mid_answer_is_followed_by_the_next(scene: Scene, bot: Discord) -> None:
    scene.oracle.hold.clear()
    scene.oracle.words = "It is a c"
    ask(scene, "what is this?", picture())
    sign = await placeholder(scene)
    await eventually(lambda: sign.content == "It is a c")
    scene.oracle.is_killed = True
    await asyncio.sleep(0.05)
    scene.oracle.is_killed = False
    scene.oracle.answer = lambda _: "It is a cat."
    scene.oracle.hold.set()
    scene.jobs.clock.advance(LEASE_S + 1)
    await answered(scene, "It is a cat.")
    assert [claim.attempt for claim in scene.oracle.claims] == [1, 2]
    assert scene.discord.posts == [sign]


async def test_the_file_goes_with_an_answer_whose_first_response_was_lost(scene: Scene, bot: Discord) -> None:
    scene.discord.fail("POST", POST, status=None, after=True)
    scene.oracle.answer = lambda _: "All of it. " * 700
    ask(scene, "what does it say?", picture())
    await answered(scene, "(The whole answer is in the file.)")
    first, _ = scene.discord.posts
    assert [file.name for file in first.files] == ["answer.md"]
