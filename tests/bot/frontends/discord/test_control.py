"""Stop, Regenerate, Read text, thumbs, edits: by the asker and moderators, before and after a restart."""

import asyncio
from typing import Any

import pytest

from bot.frontends.discord import Discord, frontend
from bot.frontends.discord.client import Gateway
from bot.frontends.discord.questions import Questions
from bot.mention import ANOTHER_DRAW
from jobs import JobKind, Sampling
from tests.bot.fakes import eventually
from tests.bot.frontends.discord.conftest import LEASE_S, OpenBot, Scene
from tests.bot.frontends.discord.fake import people
from tests.bot.frontends.discord.fake.world import ALL
from tests.bot.frontends.discord.steps import QUIET_S, answered, ask, picture


async def test_stop_ends_the_answer_with_what_there_is(scene: Scene, bot: Discord) -> None:
    scene.oracle.hold.clear()
    scene.oracle.words = "A red"
    ask(scene, "what is this?", picture())
    await eventually(lambda: scene.discord.posts and scene.discord.posts[0].content == "A red")
    press = people.press(scene.discord, scene.ann, scene.discord.posts[0], "Stop")
    answer = await answered(scene, "A red\n-# Stopped.")
    assert press.acknowledged_within_s < 1.0
    assert answer.buttons.keys() == {"Regenerate"}


async def test_stop_works_on_the_answer_of_an_earlier_process(scene: Scene, open_bot: OpenBot) -> None:
    scene.oracle.hold.clear()
    async with open_bot():
        ask(scene, "what is this?", picture())
        await eventually(lambda: scene.oracle.claims)
    scene.jobs.clock.advance(LEASE_S + 1)
    async with open_bot():
        people.press(scene.discord, scene.ann, scene.discord.posts[0], "Stop")
        await answered(scene, "Stopped.")


async def test_regenerate_answers_in_the_same_place(scene: Scene, bot: Discord) -> None:
    ask(scene, "what is this?", picture())
    answer = await answered(scene, "what is this? (1)")
    scene.oracle.answer = lambda _: "On second thoughts: a cat."
    people.press(scene.discord, scene.ann, answer, "Regenerate")
    await eventually(lambda: answer.content == "On second thoughts: a cat.")
    assert scene.discord.posts == [answer]
    assert [claim.job.revision for claim in scene.oracle.claims] == [0, 1]


async def test_regenerate_draws_another_answer_and_an_edit_does_not(scene: Scene, bot: Discord) -> None:
    question = ask(scene, "what is this?", picture())
    answer = await answered(scene, "what is this? (1)")
    people.press(scene.discord, scene.ann, answer, "Regenerate")
    await eventually(lambda: len(scene.oracle.claims) == 2)
    await answered(scene, "what is this? (1)")
    people.edit(scene.discord, question, "what is that?")
    await answered(scene, "what is that? (1)")
    assert [claim.job.sampling for claim in scene.oracle.claims] == [Sampling(), ANOTHER_DRAW, Sampling()]


async def test_regenerate_leaves_nothing_of_a_longer_answer(scene: Scene, bot: Discord) -> None:
    scene.oracle.answer = lambda _: "long " * 600
    ask(scene, "what is this?", picture())
    await eventually(lambda: len(scene.discord.posts) == 2 and scene.discord.posts[1].buttons)
    scene.oracle.answer = lambda _: "short"
    first, last = scene.discord.posts
    people.press(scene.discord, scene.ann, last, "Regenerate")
    await eventually(lambda: first.content == "short")
    await eventually(lambda: scene.discord.posts == [first])


async def test_regenerate_works_after_a_restart(scene: Scene, open_bot: OpenBot) -> None:
    async with open_bot():
        ask(scene, "what is this?", picture())
        answer = await answered(scene, "what is this? (1)")
    async with open_bot():
        scene.oracle.answer = lambda claim: f"again {claim.job.text} ({len(claim.pictures)})"
        people.press(scene.discord, scene.ann, answer, "Regenerate")
        await eventually(lambda: answer.content == "again what is this? (1)")
    assert scene.discord.posts == [answer]


async def test_only_the_last_question_is_answered_again(scene: Scene, bot: Discord) -> None:
    question = ask(scene, "one", picture())
    first = await answered(scene, "one (1)")
    people.write(scene.discord, scene.ann, question.thread, "two")
    await answered(scene, "two (0)")
    press = people.press(scene.discord, scene.ann, first, "Regenerate")
    await eventually(lambda: press.follow_ups)
    assert press.follow_ups[0].content == "Only the last question of a conversation can be answered again."
    assert press.follow_ups[0].seen_by is scene.ann
    assert first.content == "one (1)"


@pytest.mark.parametrize("label", ["Regenerate", "Read text", "\N{THUMBS UP SIGN}"])
async def test_buttons_are_for_the_asker_and_moderators(scene: Scene, bot: Discord, label: str) -> None:
    ask(scene, "what is this?", picture())
    answer = await answered(scene, "what is this? (1)")
    press = people.press(scene.discord, scene.bob, answer, label)
    await eventually(lambda: press.texts)
    assert press.texts == ["Only whoever asked, or a moderator, can do that."]
    assert press.original is not None
    assert press.original.seen_by is scene.bob
    scene.guild.members[scene.bob.id] = ALL
    allowed = people.press(scene.discord, scene.bob, answer, label)
    await eventually(lambda: allowed.answered_at)
    await asyncio.sleep(QUIET_S)
    assert "Only whoever" not in "".join(allowed.texts)


async def test_read_text_reads_the_pictures_of_that_question(scene: Scene, bot: Discord) -> None:
    question = ask(scene, "what is this?", picture("a.png"), picture("b.png", "blue"))
    await answered(scene, "what is this? (2)")
    people.write(scene.discord, scene.ann, question.thread, "and this?", [picture("c.png", "green")])
    answer = await answered(scene, "and this? (1)")
    scene.oracle.answer = lambda claim: " ".join(picture.name for picture in claim.pictures)
    press = people.press(scene.discord, scene.ann, answer, "Read text")
    await eventually(lambda: press.texts == ["```\nc.png\n```"])
    assert scene.oracle.claims[-1].job.kind is JobKind.OCR
    assert scene.oracle.claims[-1].job.conversation == scene.oracle.claims[0].job.conversation


async def test_a_comparison_is_shared_as_its_asker_sees_it(scene: Scene, bot: Discord) -> None:
    scene.oracle.answer = lambda _: "The square is blue now."
    pictures = {"image1": picture(), "image2": picture("b.png", "blue")}
    used = people.command(scene.discord, scene.ann, scene.channel, "compare", private=True, **pictures)
    await eventually(lambda: used.original and "Share" in used.original.buttons)
    assert used.original is not None
    shared = people.press(scene.discord, scene.ann, used.original, "Share")
    await eventually(lambda: shared.follow_ups)
    assert shared.follow_ups[0].content == f"{used.original.content}\n-# Shared by {scene.ann.mention}"


async def test_what_says_nothing_cannot_be_shared(scene: Scene, bot: Discord) -> None:
    scene.oracle.answer = lambda _: ""
    used = people.command(scene.discord, scene.ann, scene.channel, "ocr", image=picture(), private=True)
    await eventually(lambda: any("There is no text in it that I can read." in said for said in used.texts))
    assert used.original is not None
    assert used.original.buttons == {}


async def test_the_share_button_stays_where_the_answer_cannot_be_shared(scene: Scene, bot: Discord) -> None:
    used = people.command(scene.discord, scene.ann, scene.channel, "describe", image=picture(), private=True)
    await eventually(lambda: used.original and "Share" in used.original.buttons)
    assert used.original is not None
    await scene.jobs.conversations.forget(scene.oracle.claims[0].job.conversation)
    shared = people.press(scene.discord, scene.ann, used.original, "Share")
    await eventually(lambda: shared.follow_ups)
    assert shared.follow_ups[0].seen_by is scene.ann
    assert used.original.buttons.keys() == {"Share"}


async def test_thumbs_are_shown_as_pressed_and_kept_in_the_log(
    scene: Scene, bot: Discord, capsys: pytest.CaptureFixture[str]
) -> None:
    ask(scene, "what is this?", picture())
    answer = await answered(scene, "what is this? (1)")
    people.press(scene.discord, scene.ann, answer, "\N{THUMBS DOWN SIGN}")
    await eventually(lambda: [button["style"] for button in answer.components[0]["components"]] == [2, 2, 2, 3])
    assert answer.content == "what is this? (1)"
    assert "good=False" in capsys.readouterr().out


async def test_nothing_is_kept_of_a_thumb_that_was_pressed(
    scene: Scene, open_bot: OpenBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateways: list[Gateway] = []

    def keep(*arguments: Any, **options: Any) -> Gateway:
        gateways.append(Gateway(*arguments, **options))
        return gateways[-1]

    monkeypatch.setattr(frontend, "Gateway", keep)
    async with open_bot():
        ask(scene, "what is this?", picture())
        answer = await answered(scene, "what is this? (1)")
        for thumb, styles in (("\N{THUMBS DOWN SIGN}", [2, 2, 2, 3]), ("\N{THUMBS UP SIGN}", [2, 2, 3, 2])):
            people.press(scene.discord, scene.ann, answer, thumb)
            await eventually(lambda s=styles: [button["style"] for button in answer.components[0]["components"]] == s)
        await asyncio.sleep(QUIET_S)
        assert gateways[0].persistent_views == []


async def test_editing_the_last_question_answers_it_again_in_place(scene: Scene, bot: Discord) -> None:
    question = ask(scene, "what is this?", picture())
    answer = await answered(scene, "what is this? (1)")
    people.edit(scene.discord, question, f"{scene.discord.bot.mention} what colour is this?")
    await eventually(lambda: answer.content == "what colour is this? (1)")
    assert scene.discord.posts == [answer]


async def test_a_mention_that_asked_nothing_is_edited_into_a_question(scene: Scene, bot: Discord) -> None:
    mention = ask(scene, "")
    await answered(scene, "Nothing was asked.")
    people.edit(scene.discord, mention, f"{scene.discord.bot.mention} what is a cat?")
    answer = await answered(scene, "what is a cat? (0)")
    assert answer.channel is mention.thread
    people.edit(scene.discord, mention, f"{scene.discord.bot.mention} what is a dog?")
    await eventually(lambda: answer.content == "what is a dog? (0)")


async def test_editing_a_question_that_is_being_answered_ends_that_answer(scene: Scene, bot: Discord) -> None:
    scene.oracle.hold.clear()
    question = ask(scene, "what is this?", picture())
    await eventually(lambda: scene.oracle.claims)
    people.edit(scene.discord, question, f"{scene.discord.bot.mention} what colour is this?")
    await eventually(lambda: len(scene.oracle.claims) == 2)
    scene.oracle.hold.set()
    answer = await answered(scene, "what colour is this? (1)")
    assert scene.discord.posts == [answer]


async def test_an_edit_is_honoured_after_a_restart(scene: Scene, open_bot: OpenBot) -> None:
    async with open_bot():
        question = ask(scene, "what is this?", picture())
        answer = await answered(scene, "what is this? (1)")
    async with open_bot():
        people.edit(scene.discord, question, f"{scene.discord.bot.mention} what colour is this?")
        await eventually(lambda: answer.content == "what colour is this? (1)")
    assert scene.discord.posts == [answer]


async def test_an_edit_of_a_question_that_an_earlier_process_left_without_an_answer_is_honoured(
    scene: Scene, open_bot: OpenBot
) -> None:
    scene.oracle.hold.clear()
    async with open_bot():
        question = ask(scene, "one?", picture())
        await eventually(lambda: scene.discord.posts and scene.oracle.claims)
    scene.jobs.clock.advance(LEASE_S + 1)
    async with open_bot():
        people.edit(scene.discord, question, f"{scene.discord.bot.mention} two?")
        await eventually(lambda: len(scene.oracle.claims) > 1)
        scene.oracle.hold.set()
        await answered(scene, "two? (1)")
    assert not any("one? (1)" in post.content for post in scene.discord.posts if not post.deleted)


async def test_edits_of_words_that_came_after_their_pictures_count(scene: Scene, bot: Discord) -> None:
    ask(scene, "", picture())
    words = people.write(scene.discord, scene.ann, scene.channel, "what is this?")
    answer = await answered(scene, "what is this? (1)")
    people.edit(scene.discord, words, "what colour is this?")
    await eventually(lambda: answer.content == "what colour is this? (1)")


async def test_previews_and_edits_of_earlier_questions_change_nothing(scene: Scene, bot: Discord) -> None:
    question = ask(scene, "one", picture())
    first = await answered(scene, "one (1)")
    scene.discord.tell_message("MESSAGE_UPDATE", question)  # a link's preview: nothing was edited
    people.edit(scene.discord, question, question.content)
    people.write(scene.discord, scene.ann, question.thread, "two")
    await answered(scene, "two (0)")
    people.edit(scene.discord, question, f"{scene.discord.bot.mention} changed")
    await asyncio.sleep(QUIET_S)
    assert first.content == "one (1)"
    assert len(scene.discord.posts) == 2
    assert [claim.job.text for claim in scene.oracle.claims] == ["one", "two"]


async def test_words_that_are_edited_into_a_message_that_waits_for_them_are_its_words(
    scene: Scene, bot: Discord
) -> None:
    opening = ask(scene, "one", picture())
    await answered(scene, "one (1)")
    waiting = people.write(scene.discord, scene.ann, opening.thread, "", [picture("b.png", "blue")])
    await asyncio.sleep(0.05)
    people.edit(scene.discord, waiting, "what colour?")
    await answered(scene, "what colour? (1)")
    assert [claim.job.text for claim in scene.oracle.claims] == ["one", "what colour?"]


async def test_an_edit_is_heard_while_its_message_is_read(
    scene: Scene, bot: Discord, monkeypatch: pytest.MonkeyPatch
) -> None:
    opening = ask(scene, "one", picture())
    await answered(scene, "one (1)")
    goes_on, read = asyncio.Event(), Questions.read

    async def read_slowly(*arguments: Any) -> Any:
        await goes_on.wait()
        return await read(*arguments)

    monkeypatch.setattr(Questions, "read", read_slowly)
    written = people.write(scene.discord, scene.ann, opening.thread, "waht?")
    await asyncio.sleep(0.05)
    people.edit(scene.discord, written, "what?")
    await asyncio.sleep(0.05)
    goes_on.set()
    await answered(scene, "what? (0)")


async def test_an_edit_that_it_may_not_read_changes_nothing(scene: Scene, open_bot: OpenBot) -> None:
    scene.discord.gateway.allowed_intents = 0
    async with open_bot():
        question = ask(scene, "what is this?", picture())
        answer = await answered(scene, "what is this? (1)")
        people.edit(scene.discord, question, "what is this, without a name?")
        await asyncio.sleep(QUIET_S)
    assert scene.discord.posts == [answer]
    (turn,) = (await scene.jobs.conversations.load(scene.oracle.claims[0].job.conversation)).turns
    assert len(turn.pictures) == 1
