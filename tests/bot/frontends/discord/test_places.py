"""Where an answer stands when it cannot stand where it should: never where others read it, and what is said about it."""

import pytest

from bot.frontends.discord import Discord
from jobs import Failed
from tests.bot.fakes import eventually
from tests.bot.frontends.discord.conftest import OpenBot, Scene
from tests.bot.frontends.discord.fake import people
from tests.bot.frontends.discord.fake.refusals import missing_access
from tests.bot.frontends.discord.fake.world import VOICE, Channel
from tests.bot.frontends.discord.steps import answered, ask, picture

PRIVATE_THREAD, PUBLIC_THREAD = 12, 11


@pytest.fixture
def secret(scene: Scene) -> Channel:
    """Ann's private thread."""
    return scene.discord.add_channel(scene.guild, "secret", kind=PRIVATE_THREAD, parent=scene.channel, owner=scene.ann)


def refuse_posts_in(scene: Scene, thread: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the bot was not added: commands work there, posts do not."""
    own_channel = scene.discord.own_channel

    def refuse(channel_id: object, need: str = "view_channel") -> Channel:
        if int(str(channel_id)) == thread.id:
            raise missing_access()
        return own_channel(channel_id, need)

    monkeypatch.setattr(scene.discord, "own_channel", refuse)


def in_public(scene: Scene) -> list[str]:
    return [post.content for post in scene.discord.posts if post.channel is scene.channel]


async def test_the_rest_of_a_private_threads_answer_stays_in_it(
    scene: Scene, bot: Discord, secret: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_posts_in(scene, secret, monkeypatch)
    scene.oracle.answer = lambda _: "secret words. " * 200
    used = people.command(scene.discord, scene.ann, secret, "describe", image=picture())
    await eventually(lambda: len(used.texts) == 2 and all("secret" in text for text in used.texts))
    assert in_public(scene) == []


async def test_the_answer_of_a_locked_private_thread_goes_to_its_asker(
    scene: Scene, bot: Discord, secret: Channel
) -> None:
    scene.oracle.hold.clear()
    people.write(scene.discord, scene.ann, secret, f"{scene.discord.bot.mention} what is my salary?", [picture()])
    await eventually(lambda: scene.oracle.claims and scene.discord.posts)
    people.archive(scene.discord, secret, locked=True)
    scene.oracle.hold.set()
    answer = await answered(scene, "what is my salary? (1)")
    assert answer.channel is scene.discord.direct(scene.ann)
    assert in_public(scene) == []


async def test_an_answer_in_direct_messages_has_no_buttons_that_would_not_find_its_question(
    scene: Scene, bot: Discord
) -> None:
    scene.oracle.hold.clear()
    scene.channel.denied = frozenset({"send_messages", "send_messages_in_threads"})
    scene.discord.tell("CHANNEL_UPDATE", scene.channel.payload(), 1)
    ask(scene, "what is this?", picture())
    await eventually(lambda: scene.oracle.claims and scene.discord.posts)
    assert scene.discord.posts[0].buttons == {}
    scene.oracle.hold.set()
    answer = await answered(scene, "what is this? (1)")
    assert answer.channel is scene.discord.direct(scene.ann)
    assert answer.buttons == {}


async def test_a_permission_that_no_thread_lacked_is_not_spoken_of(scene: Scene, open_bot: OpenBot) -> None:
    scene.channel.denied = frozenset({"create_public_threads"})
    thread = scene.discord.add_channel(scene.guild, "talk", kind=PUBLIC_THREAD, parent=scene.channel, owner=scene.ann)
    voice = scene.discord.add_channel(scene.guild, "voice", kind=VOICE)
    voice.denied = scene.channel.denied
    async with open_bot():
        for channel in (thread, voice):
            people.write(scene.discord, scene.ann, channel, f"{scene.discord.bot.mention} what is this?", [picture()])
            await eventually(lambda channel=channel: any(post.channel is channel for post in scene.discord.posts))
        await eventually(
            lambda: len(scene.discord.posts) == 2 and all("(1)" in post.content for post in scene.discord.posts)
        )
    assert not any("No thread" in post.content for post in scene.discord.posts)


async def test_that_it_may_not_write_in_threads_is_said(scene: Scene, open_bot: OpenBot) -> None:
    scene.channel.denied = frozenset({"send_messages_in_threads"})
    async with open_bot():
        ask(scene, "what is this?", picture())
        answer = await answered(scene, "what is this? (1)")
    assert answer.channel is scene.channel
    assert 'No thread: I lack the permission "Send Messages in Threads" there.' in answer.content


async def test_a_reply_to_any_part_of_an_answer_goes_on_with_its_conversation(scene: Scene, open_bot: OpenBot) -> None:
    scene.channel.denied = frozenset({"create_public_threads"})
    scene.oracle.answer = lambda _: "long " * 600
    async with open_bot():
        ask(scene, "what is this?", picture())
        await eventually(lambda: len(scene.discord.posts) == 2 and "Regenerate" in scene.discord.posts[1].buttons)
        people.write(scene.discord, scene.ann, scene.channel, "and its colour?", target=scene.discord.posts[0])
        await eventually(lambda: len(scene.oracle.claims) == 2)
    first, second = (claim.job.conversation for claim in scene.oracle.claims)
    assert first == second


async def test_whoever_may_not_ask_hears_it_in_private_where_the_bot_may_not_write(
    scene: Scene, open_bot: OpenBot
) -> None:
    scene.channel.denied = frozenset({"send_messages"})
    async with open_bot(deny_users=str(scene.ann.id)):
        ask(scene, "what is this?", picture())
        refusal = await answered(scene, "You may not ask here.")
    assert refusal.channel is scene.discord.direct(scene.ann)
    assert f'-# Not in <#{scene.channel.id}>: I lack the permission "Send Messages" there.' in refusal.content
    assert scene.discord.posts == [refusal]


async def test_a_refusal_stands_where_it_was_asked_though_nothing_may_be_referred_to(
    scene: Scene, open_bot: OpenBot
) -> None:
    scene.channel.denied = frozenset({"read_message_history", "create_public_threads"})
    async with open_bot(deny_users=str(scene.ann.id)):
        ask(scene, "what is this?", picture())
        refusal = await answered(scene, "You may not ask here.")
    assert (refusal.channel, refusal.target) == (scene.channel, None)
    assert "No thread" not in refusal.content


async def test_what_fails_at_length_is_told_in_full_where_it_was_asked(scene: Scene, bot: Discord) -> None:
    notices = tuple(f"{number}.doc skipped: {'it is a document. ' * 6}" for number in range(40))
    scene.oracle.answer = lambda _: Failed(code="nothing_to_see", advice="None could be opened.", notices=notices)
    question = ask(scene, "what is this?", picture())
    last = await answered(scene, "39.doc skipped")
    assert len(scene.discord.posts) > 2
    assert {post.channel.id for post in scene.discord.posts} == {question.thread.id}
    assert [bool(post.buttons) for post in scene.discord.posts] == [post is last for post in scene.discord.posts]
