"""Slash commands, forms and message shortcuts."""

from tests.bot.frontends.slack.conftest import Bot, Worker
from tests.bot.frontends.slack.people import BOB, People
from tests.bot.frontends.slack.server import SlackServer, eventually


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
    assert answer.said == "compare: what &lt;moved&gt;? [a.png, b.png]"


async def test_a_form_that_is_sent_twice_is_one_question(bot: Bot, people: People) -> None:
    _, form = await people.command("/ocr", channel="C1")
    file = people.picture("a.png")
    await people.submit(form, file)
    await people.submit(form, file)
    await eventually(people.team.answers)
    assert len(people.team.by_bot()) == 2


async def test_the_answer_goes_where_the_person_chose(bot: Bot, people: People) -> None:
    people.team.add_channel("C2")
    _, form = await people.command("/ocr", channel="C1")
    await people.submit(form, people.picture("a.png"), where="C2")
    await eventually(lambda: people.team.answers("C2"))
    assert people.team.by_bot("C1") == []


async def test_a_place_without_the_bot_is_said_in_the_form(bot: Bot, people: People) -> None:
    people.team.add_channel("C3", with_bot=False)
    _, form = await people.command("/ocr", channel="C3")
    answer = await people.submit(form, people.picture("a.png"))
    assert "Invite me there first" in answer["errors"]["where"]
    assert people.team.by_bot() == []


async def test_forget_forgets_a_person_and_says_how_much(bot: Bot, people: People) -> None:
    answer = await people.ask("C1", f"{people.bot} what is this?", people.picture("a.png"))
    told, _ = await people.command("/forget", channel="C1", user=BOB)
    assert told.answer["text"] == "There was nothing to forget."
    told, _ = await people.command("/forget", channel="C1")
    assert told.answer["text"] == "Forgotten: 1 conversation, 1 answered question and 1 picture."
    people.post("C1", f"{people.bot} what was it?", thread=answer.thread)
    await eventually(lambda: len(people.team.answers()) == 2)


async def test_help_says_how_to_ask_and_what_is_kept(bot: Bot, people: People) -> None:
    told, _ = await people.command("/help", channel="C1")
    words = str(told.answer["blocks"])
    assert "Mention me with pictures" in words
    assert "kept for 7 days" in words


async def test_a_shortcut_reads_the_text_of_any_message(bot: Bot, people: People) -> None:
    message = people.write("C1", "look at this", people.picture("a.png"), user=BOB)
    await people.shortcut(message, "read_text")
    await eventually(people.team.answers)
    [answer] = people.team.by_bot()
    assert answer.said == "ocr:  [a.png]"
    assert answer.thread == message.ts


async def test_a_shortcut_asks_about_an_image(bot: Bot, people: People) -> None:
    message = people.write("C1", "look at this", people.picture("a.png"), user=BOB)
    form = await people.shortcut(message, "ask_about_image")
    assert [block["block_id"] for block in form["blocks"]] == ["question"]
    await people.submit(form, question="who is it?")
    await eventually(people.team.answers)
    [answer] = people.team.by_bot()
    assert answer.said == "ask: who is it? [a.png]"
    assert answer.thread == message.ts


async def test_a_shortcut_on_a_message_without_a_picture_says_so(bot: Bot, people: People, slack: SlackServer) -> None:
    await people.shortcut(people.write("C1", "no picture"), "describe_image")
    assert slack.responses == ["There is no picture in that message."]
    assert people.team.by_bot() == []


async def test_a_shortcut_where_the_bot_is_not_says_so(bot: Bot, people: People, slack: SlackServer) -> None:
    people.team.add_channel("C3", with_bot=False)
    message = people.write("C3", "look at this", people.picture("a.png"))
    await people.shortcut(message, "describe_image")
    assert slack.responses == ["I am not in that channel. Invite me there first, or choose another place."]


async def test_the_home_tab_says_what_it_is_and_what_it_keeps(bot: Bot, people: People, slack: SlackServer) -> None:
    opened = {"type": "app_home_opened", "user": "UALICE", "channel": "D1"}
    await eventually(slack.tell(people.team, {**opened, "tab": "home"}).acknowledged.is_set)
    assert "kept for 7 days" in str(people.team.homes["UALICE"])
    await eventually(slack.tell(people.team, {**opened, "tab": "messages"}).acknowledged.is_set)
    [prompted] = people.team.prompts
    assert "thread_ts" not in prompted
    assert prompted["prompts"][0]["title"] == "Describe a picture"
