"""Stop, Regenerate and thumbs."""

from structlog.testing import capture_logs

from tests.bot.frontends.slack.conftest import Bot, OpenBot, Worker
from tests.bot.frontends.slack.people import BOB, People
from tests.bot.frontends.slack.server import SlackServer, eventually

WORDS = ("one ", "two ", "three")


async def test_stop_ends_an_answer_for_its_asker_only(bot: Bot, people: People, worker: Worker) -> None:
    worker.words = WORDS
    people.post("C1", f"{people.bot} tell me")
    await eventually(lambda: [message for message in people.team.by_bot() if "stop" in message.buttons])
    draft = people.team.by_bot()[0]
    await people.press(draft, "stop", user=BOB)
    told = people.team.messages[-1]
    assert (told.to, told.text) == (BOB, "Only the person who asked can do that.")
    await people.press(draft, "stop")
    await eventually(lambda: "_Stopped._" in draft.said)
    assert draft.said == "one \n_Stopped._"


async def test_slack_s_own_stop_is_honoured(bot: Bot, people: People, worker: Worker, slack: SlackServer) -> None:
    worker.words = WORDS
    question = people.post("D1", "tell me")
    await eventually(people.team.by_bot)
    [streamed] = people.team.by_bot()
    streamed.is_streaming = False  # Slack has ended the stream already
    stopped = {"type": "agent_session_stopped", "channel": "D1", "thread_ts": question.ts, "user": "UALICE"}
    slack.tell(people.team, {**stopped, "streaming_message_ts": [streamed.ts]})
    await eventually(lambda: "_Stopped._" in streamed.said)


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


async def test_what_was_forgotten_cannot_be_answered_again(bot: Bot, people: People) -> None:
    answer = await people.ask("C1", f"{people.bot} what is this?")
    await people.command("/forget", channel="C1")
    await people.press(answer, "regenerate")
    assert people.team.messages[-1].text == "Nothing is known of this question any more. Please ask again."


async def test_thumbs_are_written_down(bot: Bot, people: People) -> None:
    answer = await people.ask("C1", f"{people.bot} what is this?")
    with capture_logs() as logs:
        value = answer.buttons["feedback"]["negative_button"]["value"]
        await people.press(answer, "feedback", user=BOB, value=value)
    assert [(line["thumb"], line["user"]) for line in logs if line["event"] == "feedback"] == [("negative", BOB)]
    assert people.team.messages[-1].to == BOB
