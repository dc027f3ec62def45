"""What the bot does by name: help, forget, stop, keep out of a thread."""

import pytest

from jobs import ConversationId
from jobs.memory import MemoryJobs
from tests.bot.frontends.slack.conftest import Bot, OpenBot, Worker, over_both
from tests.bot.frontends.slack.people import BOB, People
from tests.bot.frontends.slack.server import eventually

WORDS = ("one ", "two ", "three")
ADMIN = "UADMIN"


@over_both
async def test_help_and_forget_are_understood_in_a_thread(bot: Bot, people: People) -> None:
    answer = await people.ask("C1", f"{people.bot} what is this?", people.picture("a.png"))
    people.post("C1", f"{people.bot} help", thread=answer.thread)
    await eventually(lambda: len(people.team.by_bot()) == 2)
    assert people.team.by_bot()[-1].said.startswith("*Mention me with pictures")
    assert "are kept for" in people.team.by_bot()[-1].said
    people.post("C1", f"{people.bot} forget", thread=answer.thread)
    await eventually(lambda: len(people.team.by_bot()) == 3)
    assert people.team.by_bot()[-1].said == "Forgotten: 1 conversation, 1 answered question and 1 picture."


async def test_who_wants_help_with_a_picture_is_asking_about_it(bot: Bot, people: People) -> None:
    assert (await people.ask("C1", f"{people.bot} help!", people.picture("a.png"))).said == "ask: help! [a.png]"
    assert (await people.ask("D1", "Help me", people.picture("b.png"))).said == "ask: Help me [b.png]"
    assert (await people.ask("D1", "help", people.picture("c.png"))).said == "ask: help [b.png, c.png]"


async def test_what_others_asked_is_forgotten_for_an_admin_only(bot: Bot, people: People) -> None:
    people.team.admins.add(ADMIN)
    answer = await people.ask("C1", f"{people.bot} what is this?", people.picture("a.png"))
    people.post("C1", "and that?", thread=answer.thread, user=BOB)
    await eventually(lambda: len(people.team.answers()) == 2)
    people.post("C1", f"{people.bot} forget", thread=answer.thread)
    await eventually(lambda: people.team.messages[-1].to is not None)
    assert people.team.messages[-1].text.startswith("Others asked here too.")
    people.post("C1", f"{people.bot} forget", thread=answer.thread, user=ADMIN)
    await eventually(lambda: len(people.team.by_bot()) == 4)
    assert people.team.by_bot()[-1].said == "Forgotten: 1 conversation, 2 answered questions and 1 picture."


async def test_what_others_asked_and_nobody_has_answered_yet_is_not_forgotten_either(
    open_bot: OpenBot, people: People, jobs: MemoryJobs
) -> None:
    root = people.write("C1", "hello")
    where = ConversationId(platform="slack", tenant="T1", channel="C1", thread=root.ts)
    async with open_bot():
        people.post("C1", f"{people.bot} what is this?", user=BOB, thread=root.ts)
        await eventually(people.team.by_bot)
    async with open_bot():  # which has no reply to it yet
        people.post("C1", f"{people.bot} forget", thread=root.ts)
        await eventually(lambda: people.team.messages[-1].to is not None)
    assert people.team.messages[-1].text.startswith("Others asked here too.")
    assert (await jobs.conversations.load(where)).askers == {BOB}


@over_both
@pytest.mark.parametrize("channel", ["C1", "D1"])
async def test_stop_ends_what_its_asker_is_told(bot: Bot, people: People, worker: Worker, channel: str) -> None:
    worker.words = WORDS
    question = people.post(channel, f"{people.bot} tell me")
    await eventually(lambda: [message for message in people.team.by_bot() if "one" in message.said])
    people.post(channel, f"{people.bot} stop", thread=question.ts)
    await eventually(lambda: "_Stopped._" in people.team.by_bot()[0].said)


async def test_stop_is_not_for_everybody(bot: Bot, people: People, worker: Worker) -> None:
    worker.words = WORDS
    question = people.post("C1", f"{people.bot} tell me")
    await eventually(people.team.by_bot)
    people.post("C1", f"{people.bot} stop", thread=question.ts, user=BOB)
    await eventually(lambda: people.team.messages[-1].to == BOB)
    assert people.team.messages[-1].text == "Only the person who asked, or an admin, can do that."
    worker.hold.set()
    await eventually(people.team.answers)


async def test_where_there_is_nothing_to_stop_that_is_said(bot: Bot, people: People) -> None:
    people.post("D1", "stop")
    await eventually(lambda: people.team.messages[-1].to == "UALICE")
    assert people.team.messages[-1].text == "Nothing is being answered here."


@over_both
async def test_a_thread_that_asked_for_silence_is_left_alone_until_the_bot_is_named(bot: Bot, people: People) -> None:
    answer = await people.ask("C1", f"{people.bot} what is this?", people.picture("a.png"))
    people.post("C1", f"{people.bot} stop listening", thread=answer.thread)
    await eventually(lambda: len(people.team.by_bot()) == 2)
    quiet = people.slack.tell_message(people.team, people.write("C1", "between us", thread=answer.thread))
    await eventually(quiet.acknowledged.is_set)
    named = await people.ask("C1", f"{people.bot} and now?", thread=answer.thread)
    assert named.said == "ask: and now? [a.png]"
    assert len(people.team.by_bot()) == 3


async def test_a_direct_message_that_asked_for_silence_is_left_alone_too(
    bot: Bot, people: People, worker: Worker
) -> None:
    people.post("D1", "stop listening")
    await eventually(lambda: len(people.team.by_bot()) == 1)
    quiet = people.slack.tell_message(people.team, people.write("D1", "a note to myself"))
    await eventually(quiet.acknowledged.is_set)
    await people.ask("D1", f"{people.bot} are you there?")
    people.post("D1", "listen")
    await eventually(lambda: len(people.team.by_bot()) == 3)
    await people.ask("D1", "and now?")
    assert [claim.job.text for claim in worker.answered] == ["are you there?", "and now?"]


@over_both
async def test_stop_needs_no_name_where_no_question_needs_one(bot: Bot, people: People, worker: Worker) -> None:
    worker.words = WORDS
    question = people.post("C1", f"{people.bot} tell me")
    await eventually(lambda: [message for message in people.team.by_bot() if "one" in message.said])
    people.post("C1", "Stop!", thread=question.ts)
    await eventually(lambda: "_Stopped._" in people.team.by_bot()[0].said)
    assert len(people.team.by_bot()) == 1


async def test_an_admin_who_does_not_name_the_bot_stops_only_what_they_asked(
    bot: Bot, people: People, worker: Worker
) -> None:
    people.team.admins.add(ADMIN)
    worker.words = WORDS
    question = people.post("C1", f"{people.bot} tell me")
    await eventually(lambda: [message for message in people.team.by_bot() if "one" in message.said])
    people.post("C1", "stop", thread=question.ts, user=ADMIN)
    await eventually(lambda: people.team.messages[-1].to == ADMIN)
    assert people.team.messages[-1].text.startswith("Nothing that you asked is being answered here.")
    people.post("C1", f"{people.bot} mine", thread=question.ts, user=ADMIN)
    await eventually(lambda: len(people.team.by_bot()) == 3)
    people.post("C1", "stop", thread=question.ts, user=ADMIN)
    await eventually(lambda: people.team.by_bot()[2].said == "Stopped.")
    assert "_Stopped._" not in people.team.by_bot()[0].said
    people.post("C1", f"{people.bot} stop", thread=question.ts, user=ADMIN)
    await eventually(lambda: "_Stopped._" in people.team.by_bot()[0].said)


async def test_who_stops_their_own_question_is_not_told_of_another_s(bot: Bot, people: People, worker: Worker) -> None:
    worker.words = WORDS
    question = people.post("C1", f"{people.bot} tell me", user=BOB)
    await eventually(lambda: [message for message in people.team.by_bot() if "one" in message.said])
    people.post("C1", f"{people.bot} mine", thread=question.ts)
    await eventually(lambda: len(people.team.by_bot()) == 2)
    people.post("C1", f"{people.bot} stop", thread=question.ts)
    await eventually(lambda: people.team.by_bot()[1].said == "Stopped.")
    assert not [message for message in people.team.messages if message.to]
    worker.hold.set()
    await eventually(people.team.answers)
