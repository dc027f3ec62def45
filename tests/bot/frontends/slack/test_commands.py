"""Slash commands, forms and message shortcuts."""

from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from bot.errors import BotFailed
from tests.bot.frontends.slack.conftest import Bot, OpenBot, Worker, over_both
from tests.bot.frontends.slack.people import ALICE, BOB, People
from tests.bot.frontends.slack.server import SlackServer, eventually


@over_both
async def test_ocr_opens_a_form_and_answers_in_a_new_thread(bot: Bot, people: People) -> None:
    opened, form = await people.command("/ocr", channel="C1")
    assert opened.acknowledged_after_s < 3
    assert await people.submit(form, people.picture("a.png")) is None
    await eventually(people.team.answers)
    root, answer = people.team.by_bot()
    assert root.said == "ualice asks to read the text in 1 picture (a.png)."
    assert root.thread is None
    assert answer.said == "ocr:  [a.png]"
    assert answer.thread == root.ts
    follow_up = await people.ask("C1", "and the colour?", thread=root.ts)
    assert follow_up.said == "ask: and the colour? [a.png]"


@over_both
async def test_compare_wants_two_pictures(bot: Bot, people: People, worker: Worker) -> None:
    _, form = await people.command("/compare", channel="C1")
    first = people.picture("a.png")
    corrected = await people.submit(form, first)
    assert corrected == {
        "response_action": "errors",
        "errors": {"files": "Comparing takes at least two pictures."},
    }
    assert worker.answered == []
    assert await people.submit(form, first, people.picture("b.png"), question="what <moved>?") is None
    await eventually(people.team.answers)
    root, answer = people.team.by_bot()
    assert root.said == "ualice asks to compare 2 pictures (a.png, b.png): what &lt;moved&gt;?"
    assert answer.said == "Pictures\nDifference\n1, 2\ncompare: what &lt;moved&gt;?\n1, 2\n[a.png, b.png]"


async def test_a_form_that_is_sent_twice_is_one_question(bot: Bot, people: People) -> None:
    _, form = await people.command("/ocr", channel="C1")
    file = people.picture("a.png")
    await people.submit(form, file)
    await people.submit(form, file)
    await eventually(people.team.answers)
    assert len(people.team.by_bot()) == 2


async def test_a_form_of_a_guest_of_slack_connect_belongs_to_the_workspace_of_the_app(bot: Bot, people: People) -> None:
    _, form = await people.command("/ocr", channel="C1")
    assert await people.submit(form, people.picture("a.png"), home="TELSEWHERE") is None
    await eventually(people.team.answers)


async def test_the_answer_goes_where_the_person_chose(bot: Bot, people: People) -> None:
    people.team.add_channel("C2")
    _, form = await people.command("/ocr", channel="C1")
    await people.submit(form, people.picture("a.png"), where="C2")
    await eventually(lambda: people.team.answers("C2"))
    assert people.team.by_bot("C1") == []


async def test_a_place_without_the_bot_is_said_in_the_form(bot: Bot, people: People) -> None:
    people.team.add_channel("C3", with_bot=False)
    _, form = await people.command("/ocr", channel="C3")
    file = people.picture("a.png")
    answer = await people.submit(form, file)
    assert "Invite me there first" in answer["errors"]["where"]
    assert people.team.by_bot() == []
    assert await people.submit(form, file, where="C1") is None  # corrected, it is the same form
    await eventually(lambda: people.team.answers("C1"))


async def test_a_form_that_slack_lets_nobody_answer_right_now_says_so(
    bot: Bot, people: People, slack: SlackServer
) -> None:
    _, form = await people.command("/ocr", channel="C1")
    slack.fail("chat.postMessage", status=503)
    file = people.picture("a.png")
    answer = await people.submit(form, file)
    assert answer["errors"]["where"] == "Slack does not let me post there right now. Please try again."
    assert await people.submit(form, file) is None
    await eventually(people.team.answers)
    assert len(people.team.by_bot()) == 2


async def test_a_form_whose_announcement_seemed_lost_is_announced_once(
    bot: Bot, people: People, slack: SlackServer
) -> None:
    _, form = await people.command("/ocr", channel="C1")
    slack.fail("chat.postMessage", lost=True)
    assert await people.submit(form, people.picture("a.png")) is None
    await eventually(people.team.answers)
    root, answer = people.team.by_bot()
    assert answer.thread == root.ts


async def test_a_form_that_is_refused_announces_nothing(open_bot: OpenBot, people: People, worker: Worker) -> None:
    async with open_bot(deny_users="UALICE"):
        _, form = await people.command("/ocr", channel="C1")
        assert await people.submit(form, people.picture("a.png")) is None
        await eventually(lambda: people.team.messages[-1].to == "UALICE")
    assert people.team.messages[-1].said.startswith("You may not ask here.")
    assert [message for message in people.team.by_bot() if message.to is None] == []


@over_both
async def test_forget_forgets_a_person_and_says_how_much(bot: Bot, people: People) -> None:
    answer = await people.ask("C1", f"{people.bot} what is this?", people.picture("a.png"))
    told, _ = await people.command("/forget", channel="C1", user=BOB)
    assert told.answer["text"] == "There was nothing to forget."
    told, _ = await people.command("/forget", channel="C1")
    assert told.answer["text"] == "Forgotten: 1 conversation, 1 answered question and 1 picture."
    people.post("C1", f"{people.bot} what was it?", thread=answer.thread)
    await eventually(lambda: len(people.team.answers()) == 2)


@over_both
async def test_help_says_how_to_ask_and_what_is_kept(bot: Bot, people: People) -> None:
    told, _ = await people.command("/help", channel="C1")
    words = str(told.answer["blocks"])
    assert "Mention me with pictures" in words
    assert "kept for 7 days" in words


@over_both
async def test_a_shortcut_reads_the_text_of_any_message(bot: Bot, people: People) -> None:
    message = people.write("C1", "look at this", people.picture("a.png"), user=BOB)
    await people.shortcut(message, "read_text")
    await eventually(people.team.answers)
    [answer] = people.team.by_bot()
    assert answer.said == "ocr:  [a.png]"
    assert answer.thread == message.ts


async def test_shortcuts_describe_and_compare(bot: Bot, people: People) -> None:
    message = people.write("C1", "look", people.picture("a.png"), people.picture("b.png"), user=BOB)
    await people.shortcut(message, "describe_image")
    await eventually(people.team.answers)
    await people.shortcut(message, "compare_pictures")
    await eventually(lambda: len(people.team.answers()) == 2)
    assert [answer.said.partition(":")[0].rpartition("\n")[2] for answer in people.team.answers()] == [
        "describe",
        "compare",
    ]


async def test_a_thread_that_was_none_of_its_business_is_so_once_it_was_asked_there(bot: Bot, people: People) -> None:
    root = people.write("C1", "look", people.picture("a.png"), user=BOB)
    chat = people.slack.tell_message(people.team, people.write("C1", "nice", thread=root.ts))
    await eventually(chat.acknowledged.is_set)
    await people.shortcut(root, "describe_image")
    await eventually(people.team.answers)
    assert (await people.ask("C1", "and its colour?", thread=root.ts)).said == "ask: and its colour? [a.png]"


@over_both
async def test_a_shortcut_asks_about_an_image(bot: Bot, people: People) -> None:
    message = people.write("C1", "look at this", people.picture("a.png"), user=BOB)
    form = await people.shortcut(message, "ask_about_image")
    assert [block["block_id"] for block in form["blocks"]] == ["question"]
    await people.submit(form, question="who is it?")
    await eventually(people.team.answers)
    [answer] = people.team.by_bot()
    assert answer.said == "ask: who is it? [a.png]"
    assert answer.thread == message.ts


@pytest.mark.parametrize("replies", [0, 1])
async def test_a_shortcut_that_is_refused_is_told_where_the_person_looks(
    bot: Bot, people: People, refuse: Callable[..., None], replies: int
) -> None:
    message = people.write("C1", "look at this", people.picture("a.png"), user=BOB)
    for _ in range(replies):
        people.write("C1", "nice", thread=message.ts)
    refuse()
    await people.shortcut(message, "read_text")
    told = people.team.messages[-1]
    assert (told.to, told.thread) == (ALICE, message.ts if replies else None)


@over_both
async def test_a_bug_of_ours_is_told_to_whoever_uses_a_shortcut_or_a_form(
    bot: Bot, people: People, slack: SlackServer, refuse: Callable[..., None]
) -> None:
    message = people.write("C1", "look at this", people.picture("a.png"), user=BOB)
    form = await people.shortcut(message, "ask_about_image")
    with capture_logs():
        refuse(RuntimeError("a bug"))
        await people.shortcut(message, "read_text")
        refuse(RuntimeError("a bug"))
        corrected = await people.submit(form, question="who is it?")
    assert slack.responses == [BotFailed().sentence]
    assert corrected == {"response_action": "errors", "errors": {"question": BotFailed().sentence}}
    assert await people.submit(form, question="who is it?") is None
    await eventually(people.team.answers)


async def test_a_shortcut_on_a_message_without_a_picture_says_so(bot: Bot, people: People, slack: SlackServer) -> None:
    await people.shortcut(people.write("C1", "no picture"), "describe_image")
    assert slack.responses == ["There is no picture in that message."]
    assert people.team.by_bot() == []


async def test_a_shortcut_where_the_bot_is_not_says_so(bot: Bot, people: People, slack: SlackServer) -> None:
    people.team.add_channel("C3", with_bot=False)
    message = people.write("C3", "look at this", people.picture("a.png"))
    await people.shortcut(message, "describe_image")
    assert slack.responses == ["I am not in that channel. Invite me there first, or choose another place."]


@over_both
async def test_the_home_tab_says_what_it_is_and_what_it_keeps(bot: Bot, people: People, slack: SlackServer) -> None:
    opened = {"type": "app_home_opened", "user": "UALICE", "channel": "D1"}
    await eventually(slack.tell(people.team, {**opened, "tab": "home"}).acknowledged.is_set)
    assert "kept for 7 days" in str(people.team.homes["UALICE"])
    await eventually(slack.tell(people.team, {**opened, "tab": "messages"}).acknowledged.is_set)
    [prompted] = people.team.prompts
    assert "thread_ts" not in prompted
    assert prompted["prompts"][0]["title"] == "Describe a picture"


async def test_a_home_tab_that_slack_does_not_take_is_not_told_of_again(
    bot: Bot, people: People, slack: SlackServer
) -> None:
    slack.fail("views.publish", error="not_enabled")
    slack.fail("assistant.threads.setSuggestedPrompts", error="not_allowed")
    for tab in ("home", "messages"):
        opened = slack.tell(people.team, {"type": "app_home_opened", "user": "UALICE", "channel": "D1", "tab": tab})
        await eventually(opened.acknowledged.is_set)
        assert len(opened.sent) == 1
