"""Stop, Regenerate and thumbs."""

from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from bot.errors import BotFailed
from jobs.errors import StoreUnavailable
from tests.bot.frontends.slack.conftest import Bot, OpenBot, Worker, over_both
from tests.bot.frontends.slack.people import BOB, People
from tests.bot.frontends.slack.server import SlackServer, eventually

WORDS = ("one ", "two ", "three")


@over_both
async def test_stop_ends_an_answer_for_its_asker_only(bot: Bot, people: People, worker: Worker) -> None:
    worker.words = WORDS
    people.post("C1", f"{people.bot} tell me")
    await eventually(lambda: [message for message in people.team.by_bot() if "stop" in message.buttons])
    draft = people.team.by_bot()[0]
    await people.press(draft, "stop", user=BOB)
    told = people.team.messages[-1]
    assert (told.to, told.text) == (BOB, "Only the person who asked, or an admin, can do that.")
    await people.press(draft, "stop")
    await eventually(lambda: "_Stopped._" in draft.said)
    assert draft.said == "one \n_Stopped._"


@over_both
async def test_regenerate_answers_again_in_the_same_message_and_draws_otherwise(
    bot: Bot, people: People, worker: Worker
) -> None:
    answer = await people.ask("C1", f"{people.bot} what is this?", people.picture("a.png"))
    worker.words = ("other",)
    worker.hold.set()
    await people.press(answer, "regenerate")
    await eventually(lambda: answer.said == "other")
    assert people.team.by_bot() == [answer]
    again = worker.answered[1].job
    assert (again.revision, again.text, again.sampling.temperature) == (1, "what is this?", 0.7)
    assert [picture.name for picture in worker.answered[1].pictures] == ["a.png"]


async def test_buttons_work_after_a_restart(open_bot: OpenBot, people: People, worker: Worker) -> None:
    async with open_bot():
        answer = await people.ask("C1", f"{people.bot} what is this?")
    async with open_bot():
        worker.words = ("other",)
        worker.hold.set()
        await people.press(answer, "regenerate")
        await eventually(lambda: answer.said == "other")


async def test_only_the_last_question_is_answered_again(bot: Bot, people: People, worker: Worker) -> None:
    first = await people.ask("C1", f"{people.bot} what is this?")
    await people.ask("C1", "and now?", thread=first.thread)
    await people.press(first, "regenerate")
    assert people.team.messages[-1].text == "Only the last question of a conversation can be answered again."
    assert len(worker.answered) == 2


async def test_a_newer_question_under_way_makes_an_older_one_the_last_no_more(
    bot: Bot, people: People, worker: Worker
) -> None:
    first = await people.ask("C1", f"{people.bot} what is this?")
    worker.words = WORDS
    people.post("C1", "and now?", thread=first.thread)
    await eventually(lambda: len(people.team.by_bot()) == 2)
    await people.press(first, "regenerate")
    assert people.team.messages[-1].text == "Only the last question of a conversation can be answered again."
    worker.hold.set()
    await eventually(lambda: len(people.team.answers()) == 2)


async def test_an_answer_drawn_again_knows_what_was_said_before_it(bot: Bot, people: People, worker: Worker) -> None:
    root = people.write("C1", "the cat is called Tom", people.picture("a.png"))
    answer = await people.ask("C1", f"{people.bot} what is its name?", thread=root.ts)
    await people.press(answer, "regenerate")
    await eventually(lambda: len(worker.answered) == 2)
    assert [claim.job.context for claim in worker.answered] == ["the cat is called Tom"] * 2


async def test_an_answer_drawn_again_is_about_the_very_words_that_the_bot_was_called_to(
    bot: Bot, people: People, worker: Worker
) -> None:
    root = people.write("C1", "the cat is called Tom", people.picture("a.png"))
    people.write("C1", "what is its name?", user=BOB, thread=root.ts)
    answer = await people.ask("C1", people.bot, thread=root.ts)
    await people.press(answer, "regenerate")
    await eventually(lambda: len(worker.answered) == 2)
    asked = [(claim.job.context, claim.job.text) for claim in worker.answered]
    assert asked == [("the cat is called Tom", "what is its name?")] * 2


@pytest.mark.parametrize("shortcut", ["read_text", "ask_about_image"])
async def test_what_was_asked_with_a_menu_is_asked_again_without_the_thread_around_it(
    bot: Bot, people: People, worker: Worker, refuse: Callable[..., None], shortcut: str
) -> None:
    root = people.write("C1", "it says 30 dollars", people.picture("a.png"), user=BOB)
    people.write("C1", "no, 80", thread=root.ts)
    if form := await people.shortcut(root, shortcut):
        await people.submit(form, question="what does it say?")
    await eventually(people.team.answers)
    [answer] = people.team.answers()
    refuse()
    await people.press(answer, "regenerate")
    assert (people.team.messages[-1].to, people.team.messages[-1].thread) == ("UALICE", root.ts)
    await people.press(answer, "regenerate")
    await eventually(lambda: len(worker.answered) == 2)
    first, again = (claim.job for claim in worker.answered)
    assert (first.context, first.text, first.kind) == (again.context, again.text, again.kind)
    assert again.context == ""


@pytest.mark.parametrize(("user", "is_one"), [("UADMIN", True), ("UGUEST", False), (BOB, False)])
async def test_an_admin_of_this_workspace_may_do_what_the_asker_may(
    bot: Bot, people: People, worker: Worker, user: str, *, is_one: bool
) -> None:
    people.team.admins |= {"UADMIN", "UGUEST"}  # the guest is one in another workspace
    worker.words = WORDS
    people.post("C1", f"{people.bot} tell me")
    await eventually(lambda: [message for message in people.team.by_bot() if "one" in message.said])
    draft = people.team.by_bot()[0]
    await people.press(draft, "stop", user=user)
    await people.press(draft, "stop", user=user)
    assert people.slack.api.count("users.info") == 1  # and remembered
    if is_one:
        await eventually(lambda: "_Stopped._" in draft.said)
    else:
        assert people.team.messages[-1].text == "Only the person who asked, or an admin, can do that."


async def test_without_the_scope_nobody_is_an_admin(bot: Bot, people: People, worker: Worker) -> None:
    people.team.admins.add("UADMIN")
    people.team.scopes.remove("users:read")
    answer = await people.ask("C1", f"{people.bot} what is this?")
    await people.press(answer, "regenerate", user="UADMIN")
    assert people.team.messages[-1].text == "Only the person who asked, or an admin, can do that."
    assert len(worker.answered) == 1


async def test_what_was_forgotten_cannot_be_answered_again(bot: Bot, people: People) -> None:
    answer = await people.ask("C1", f"{people.bot} what is this?")
    await people.command("/forget", channel="C1")
    await people.press(answer, "regenerate")
    assert people.team.messages[-1].text == "Nothing is known of this question any more. Please ask again."


@over_both
async def test_thumbs_are_written_down(bot: Bot, people: People) -> None:
    answer = await people.ask("C1", f"{people.bot} what is this?")
    with capture_logs() as logs:
        value = answer.buttons["feedback"]["negative_button"]["value"]
        await people.press(answer, "feedback", user=BOB, value=value)
    assert [(line["thumb"], line["user"]) for line in logs if line["event"] == "feedback"] == [("negative", BOB)]
    assert people.team.messages[-1].to == BOB


@pytest.mark.parametrize("channel", ["C1", "D1"])
async def test_a_regenerate_that_is_refused_leaves_the_answer_standing(
    bot: Bot, people: People, worker: Worker, refuse: Callable[..., None], channel: str
) -> None:
    answer = await people.ask(channel, f"{people.bot} what is this?", people.picture("a.png"))
    refuse()
    await people.press(answer, "regenerate")
    told = people.team.messages[-1]
    assert (told.to, told.thread) == ("UALICE", answer.thread)
    assert told.said.startswith("The queue is full")
    assert answer.said == "ask: what is this? [a.png]"
    await people.press(answer, "regenerate")
    await eventually(lambda: len(worker.answered) == 2)


async def test_a_regenerate_after_one_that_was_refused_finds_the_answer_of_an_earlier_process(
    open_bot: OpenBot, people: People, worker: Worker, refuse: Callable[..., None]
) -> None:
    async with open_bot():
        answer = await people.ask("C1", f"{people.bot} what is this?")
    worker.words = ("other",)
    worker.hold.set()
    async with open_bot():
        refuse()
        await people.press(answer, "regenerate")
        await people.press(answer, "regenerate")
        await eventually(lambda: answer.said == "other")
    assert [message for message in people.team.by_bot() if message.to is None] == [answer]


@over_both
@pytest.mark.parametrize("error", [RuntimeError("a bug"), StoreUnavailable(reason="away")])
async def test_whoever_presses_a_button_in_vain_is_told_why(
    bot: Bot, people: People, slack: SlackServer, refuse: Callable[..., None], error: Exception
) -> None:
    answer = await people.ask("C1", f"{people.bot} what is this?")
    refuse(error)
    with capture_logs():
        await people.press(answer, "regenerate")
    why = error if isinstance(error, StoreUnavailable) else BotFailed()
    assert slack.responses == [why.sentence]
    assert answer.said == "ask: what is this? []"
