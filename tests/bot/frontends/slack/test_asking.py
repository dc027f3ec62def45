"""Questions in channels, threads and direct messages."""

import asyncio
from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from bot.errors import BotFailed
from jobs import JobKind
from jobs.errors import StoreUnavailable
from jobs.memory import MemoryJobs
from tests.bot.frontends.slack.conftest import Bot, OpenBot, Worker, over_both
from tests.bot.frontends.slack.people import ALICE, BOB, People
from tests.bot.frontends.slack.server import SlackServer, eventually
from tests.bot.frontends.slack.web_api import RefusedError


@over_both
async def test_a_mention_with_pictures_is_answered_in_its_thread(bot: Bot, people: People) -> None:
    answer = await people.ask(
        "C1", f"{people.bot} what &lt;is&gt; this?", people.picture("a.png"), people.picture("b.png")
    )
    question = people.team.messages[0]
    assert answer.thread == question.ts
    assert answer.said == "ask: what &lt;is&gt; this? [a.png, b.png]"


@over_both
async def test_a_follow_up_in_its_thread_needs_no_mention_and_remembers_the_pictures(bot: Bot, people: People) -> None:
    first = await people.ask("C1", f"{people.bot} what is this?", people.picture("a.png"))
    second = await people.ask("C1", "and now?", people.picture("b.png"), thread=first.thread)
    assert second.said == "ask: and now? [a.png, b.png]"
    assert second.thread == first.thread


async def test_the_comma_after_its_name_is_no_part_of_what_is_said(bot: Bot, people: People, worker: Worker) -> None:
    first = await people.ask("C1", f"{people.bot}, what is this?", people.picture("a.png"))
    assert first.said == "ask: what is this? [a.png]"
    assert (await people.ask("C1", f"{people.bot}: ocr", thread=first.thread)).said == "ocr:  [a.png]"


@over_both
async def test_a_direct_message_is_one_conversation_and_needs_no_mention(bot: Bot, people: People) -> None:
    first = await people.ask("D1", "what is this?", people.picture("a.png"))
    assert first.thread == people.team.messages[0].ts
    assert (await people.ask("D1", "and its colour?")).said == "ask: and its colour? [a.png]"
    assert (await people.ask("D1", "in the thread", thread=first.thread)).said == "ask: in the thread [a.png]"


@over_both
async def test_nothing_else_is_answered(bot: Bot, people: People) -> None:
    answer = await people.ask("C1", f"{people.bot} what is this?", people.picture())
    people.post("C1", "a message for everybody")
    people.post("C1", f"<@{BOB}> are you coming?", thread=answer.thread)
    elsewhere = people.post("C1", "another thread")
    people.post("C1", "which goes on", thread=elsewhere.ts)
    told = people.write_as_app("C1", f"{people.bot} from another bot")
    people.slack.tell_message(people.team, told)
    people.slack.tell_message(people.team, answer)
    await eventually(lambda: all(envelope.acknowledged.is_set() for envelope in people.slack.envelopes))
    assert people.team.by_bot() == [answer]


@pytest.mark.parametrize(
    "others", ["<!here>", "<!channel>", "<!everyone>", "<!subteam^S1|@designers>", "<!subteam^S1>"]
)
async def test_what_begins_with_the_name_of_many_is_for_them_unless_it_names_the_bot_too(
    bot: Bot, people: People, worker: Worker, others: str
) -> None:
    answer = await people.ask("C1", f"{people.bot} what is this?", people.picture())
    people.post("C1", f"{others} lunch in ten minutes?", user=BOB, thread=answer.thread)
    await people.ask("C1", f"{others} {people.bot} and now?", thread=answer.thread)
    await people.ask("C1", f"was it {others} who drew it?", thread=answer.thread)
    asked = [claim.job.text for claim in worker.answered]
    assert [text.startswith(begins) for text, begins in zip(asked, ("what", "@", "was it @"), strict=True)] == [
        True
    ] * 3
    assert not any("lunch" in text or "@@" in text for text in asked)


@over_both
async def test_a_mention_that_comes_under_two_names_and_again_is_answered_once(bot: Bot, people: People) -> None:
    await people.ask("C1", f"{people.bot} once?")
    question = people.team.messages[0]
    people.slack.tell_message(people.team, question)
    await asyncio.sleep(0.3)
    assert len([envelope for envelope in people.slack.envelopes if envelope.acknowledged.is_set()]) == 4
    assert len(people.team.by_bot()) == 1


@over_both
async def test_a_name_that_was_forgotten_can_be_edited_in(bot: Bot, people: People, worker: Worker) -> None:
    question = people.post("C1", "what is this?", people.picture("a.png"))
    await eventually(people.slack.envelopes[-1].acknowledged.is_set)
    people.edit(question, f"{people.bot} what is this?")
    await eventually(lambda: [message.said for message in people.team.answers()] == ["ask: what is this? [a.png]"])
    people.edit(question, f"{people.bot} what is that?")
    await eventually(lambda: [message.said for message in people.team.answers()] == ["ask: what is that? [a.png]"])
    await eventually(lambda: all(envelope.acknowledged.is_set() for envelope in people.slack.envelopes))
    assert [claim.job.revision for claim in worker.answered] == [0, 1]
    assert len(people.team.by_bot()) == 1


async def test_a_question_that_nobody_heard_is_asked_when_it_is_edited(bot: Bot, people: People) -> None:
    question = people.write("C1", f"{people.bot} waht is this?", people.picture("a.png"))  # the bot was away
    people.edit(question, f"{people.bot} what is this?")
    await eventually(lambda: [message.said for message in people.team.answers()] == ["ask: what is this? [a.png]"])


async def test_a_direct_message_that_was_refused_or_not_heard_is_asked_when_it_is_edited(
    bot: Bot, people: People, refuse: Callable[..., None]
) -> None:
    refuse()
    refused = people.post("D1", "waht is this?", people.picture("a.png"))
    await eventually(people.team.by_bot)
    unheard = people.write("D1", "and taht?")
    people.edit(refused, "what is this?")
    await eventually(lambda: [answer.said for answer in people.team.answers()] == ["ask: what is this? [a.png]"])
    people.edit(unheard, "and that?")
    await eventually(lambda: people.team.answers()[-1].said == "ask: and that? [a.png]")
    people.post("D1", "stop listening")
    await eventually(lambda: "only when somebody mentions me" in people.team.by_bot()[-1].said)
    said = len(people.team.by_bot())
    edited = people.edit(people.write("D1", "a ntoe"), "a note")
    await eventually(edited.acknowledged.is_set)
    await asyncio.sleep(0.2)
    assert len(people.team.by_bot()) == said


async def test_a_name_that_was_not_needed_can_be_edited_in(bot: Bot, people: People, worker: Worker) -> None:
    first = await people.ask("C1", f"{people.bot} what is this?", people.picture("a.png"))
    second = await people.ask("C1", "and now?", thread=first.thread)
    people.edit(people.team.messages[2], f"{people.bot} and then?")
    await eventually(lambda: second.said == "ask: and then? [a.png]")
    assert people.team.by_bot() == [first, second]


@over_both
async def test_an_event_is_acknowledged_only_when_its_question_is_accepted(
    bot: Bot, people: People, jobs: MemoryJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    people.slack.acknowledge_within_s = 0.2
    submit = jobs.queue_in.submit
    refused: list[int] = []

    async def submit_at_the_third_try(*arguments: object, **options: object) -> object:
        if len(refused) < 2:
            refused.append(1)
            raise StoreUnavailable(reason="away")
        return await submit(*arguments, **options)  # type: ignore[arg-type]  # whatever it was called with

    monkeypatch.setattr(type(jobs.queue_in), "submit", lambda _, *a, **o: submit_at_the_third_try(*a, **o))
    question = people.write("D1", "is anybody there?")
    envelope = people.slack.tell_message(people.team, question)
    await eventually(people.team.answers)
    assert len(envelope.sent) == 3
    assert len(people.team.by_bot()) == 1


@over_both
async def test_what_was_said_before_the_bot_was_asked_is_read_once(bot: Bot, people: People, worker: Worker) -> None:
    root = people.write("C1", "the first picture", people.picture("a.png"))
    people.write("C1", "and another", people.picture("b.png"), user=BOB, thread=root.ts)
    answer = await people.ask("C1", f"{people.bot} which is nicer?", people.picture("c.png"), thread=root.ts)
    assert answer.said == "ask: which is nicer? [a.png, b.png, c.png]"
    assert worker.answered[-1].job.context == "the first picture\nand another"
    before = people.slack.api.count("conversations.replies")
    await people.ask("C1", f"{people.bot} really?", thread=root.ts)
    assert people.slack.api.count("conversations.replies") == before
    assert worker.answered[-1].job.context == "", "the model has it in the first question"


@over_both
async def test_what_another_app_said_is_read_like_what_people_said_and_the_bot_s_own_words_are_not(
    bot: Bot, people: People, worker: Worker
) -> None:
    root = people.write_as_app("C1", "the load is high", people.picture("a.png"))
    people.post("C1", f"{people.bot} help", thread=root.ts)
    await eventually(people.team.by_bot)
    answer = await people.ask("C1", f"{people.bot} what does the chart show?", thread=root.ts)
    assert answer.said == "ask: what does the chart show? [a.png]"
    assert worker.answered[-1].job.context == "the load is high\nhelp"


async def test_earlier_pictures_leave_room_for_the_asker_s_own(
    open_bot: OpenBot, people: People, worker: Worker
) -> None:
    root = people.write("C1", "look", *(people.picture(f"{number}.png") for number in range(4)))
    async with open_bot(max_pictures=3):
        answer = await people.ask("C1", f"{people.bot} which is nicer?", people.picture("mine.png"), thread=root.ts)
    assert answer.said == "ask: which is nicer? [2.png, 3.png, mine.png]"


async def test_whoever_only_calls_the_bot_means_what_was_said_last(bot: Bot, people: People) -> None:
    root = people.write("C1", "what does it say?", people.picture("a.png"))
    answer = await people.ask("C1", people.bot, thread=root.ts)
    assert answer.said == "ask: what does it say? [a.png]"


@over_both
async def test_what_is_no_picture_and_was_said_before_stands_in_nobodys_way(bot: Bot, people: People) -> None:
    minutes = people.picture("minutes.docx", content=b"PK", mimetype="application/vnd.openxmlformats")
    root = people.write("C1", "the minutes", minutes)
    people.write("C1", "and a picture", people.picture("b.png"), thread=root.ts)
    answer = await people.ask("C1", f"{people.bot} who should I ask?", thread=root.ts)
    assert answer.said == "ask: who should I ask? [b.png]"


@over_both
async def test_a_thread_is_read_in_pages(bot: Bot, people: People) -> None:
    people.slack.api.page = 2
    root = people.write("C1", "first", people.picture("a.png"))
    for number in range(4):
        people.write("C1", f"reply {number}", thread=root.ts)
    people.write("C1", "last", people.picture("b.png"), thread=root.ts)
    assert (await people.ask("C1", f"{people.bot} so?", thread=root.ts)).said == "ask: so? [a.png, b.png]"


@over_both
async def test_an_answer_says_which_part_of_the_thread_slack_did_not_let_the_bot_read(
    bot: Bot, people: People, slack: SlackServer
) -> None:
    slack.api.page = 2
    root = people.write("C1", "first", people.picture("a.png"))
    people.write("C1", "second", thread=root.ts)
    people.write("C1", "third", people.picture("b.png"), thread=root.ts)
    served = slack.api.answer

    def answer_once(method: str, token: str, arguments: dict[str, object], *, is_json: bool) -> dict[str, object]:
        if method == "conversations.replies" and "cursor" in arguments:
            raise RefusedError("ratelimited", status=429)
        return served(method, token, arguments, is_json=is_json)

    slack.api.answer = answer_once  # type: ignore[method-assign]  # one call a minute
    answer = await people.ask("C1", f"{people.bot} so?", thread=root.ts)
    assert answer.said.startswith("ask: so? [a.png]\nOnly the first 2 messages of this thread could be read")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("ocr", "ocr:  [a.png, b.png]"),
        ("compare", "Pictures\nDifference\n1, 2\ncompare:  [a.png, b.png]"),
        ("Compare what has moved", "Pictures\nDifference\n1, 2\ncompare: what has moved [a.png, b.png]"),
        ("describe", "describe:  [a.png, b.png]"),
        ("describe the second one", "ask: describe the second one [a.png, b.png]"),
    ],
)
async def test_a_thread_is_given_tasks_by_name(bot: Bot, people: People, words: str, said: str) -> None:
    root = people.write("C1", "look", people.picture("a.png"), people.picture("b.png"))
    assert (await people.ask("C1", f"{people.bot} {words}", thread=root.ts)).said == said


async def test_a_refusal_is_told_to_the_asker_alone_and_once(open_bot: OpenBot, people: People, worker: Worker) -> None:
    async with open_bot(deny_users="UALICE"):
        people.post("C1", f"{people.bot} may I?")
        await eventually(lambda: all(envelope.acknowledged.is_set() for envelope in people.slack.envelopes))
        await eventually(lambda: len(people.team.messages) == 2)
    told = people.team.messages[1]
    assert told.to == "UALICE"
    assert told.said.startswith("You may not ask here.")


async def test_the_task_reaches_the_worker_with_its_kind(bot: Bot, people: People, worker: Worker) -> None:
    await people.ask("D1", "ocr", people.picture())
    assert worker.answered[0].job.kind is JobKind.OCR


@pytest.mark.parametrize(
    ("settings", "words"), [({"deny_users": "UALICE"}, "may I?"), ({"deny_channels": "C1"}, "here?"), ({}, "")]
)
async def test_a_thread_in_which_nothing_was_accepted_is_not_the_bot_s(
    open_bot: OpenBot, people: People, worker: Worker, settings: dict[str, str], words: str
) -> None:
    async with open_bot(**settings):
        question = people.post("C1", f"{people.bot} {words}")
        await eventually(lambda: people.team.messages[-1].to == "UALICE")
        among_others = people.slack.tell_message(people.team, people.write("C1", "ok", user=BOB, thread=question.ts))
        await eventually(among_others.acknowledged.is_set)
        await asyncio.sleep(0.2)
    assert [message.to for message in people.team.by_bot()] == ["UALICE"]
    assert worker.answered == []


async def test_a_thread_whose_only_question_was_stopped_before_any_word_is_known_after_a_restart(
    open_bot: OpenBot, people: People, worker: Worker
) -> None:
    worker.words = ("one ", "two ", "three")
    async with open_bot():
        question = people.post("C1", f"{people.bot} tell me")
        await eventually(lambda: [message for message in people.team.by_bot() if "stop" in message.buttons])
        await people.press(people.team.by_bot()[0], "stop")
        await eventually(lambda: "Stopped" in people.team.by_bot()[0].said)
    worker.words = ()
    async with open_bot():
        assert (await people.ask("C1", "and now?", thread=question.ts)).said == "ask: and now? []"


async def test_what_is_said_without_the_name_is_the_question_however_it_arrives(
    bot: Bot, people: People, worker: Worker
) -> None:
    root = await people.ask("C1", f"{people.bot} what is this?")
    await people.ask("C1", "compare them", thread=root.thread)
    question = people.team.messages[2]
    people.edit(question, "compare both")
    await eventually(lambda: len(worker.answered) == 3 and not bot.responder._custody._held)
    await eventually(people.edit(question, "compare  both").acknowledged.is_set)
    await asyncio.sleep(0.2)
    assert [claim.job.text for claim in worker.answered[1:]] == ["compare them", "compare both"]
    assert {claim.job.kind for claim in worker.answered} == {JobKind.ASK}


@over_both
async def test_the_pictures_of_a_forwarded_message_are_seen(bot: Bot, people: People) -> None:
    question = people.write("D1", "what is this?")
    question.forwarded = [people.picture("a.png"), people.picture("gone.png", is_deleted=True)]
    people.slack.tell_message(people.team, question)
    await eventually(people.team.answers)
    assert people.team.answers()[0].said.startswith("ask: what is this? [a.png]\ngone.png skipped")


async def test_the_name_of_a_refused_file_is_no_markup_and_calls_nobody(bot: Bot, people: People) -> None:
    clip = people.picture("*_@here_* <!channel>.mp4", content=b"\0\0\0\x18ftypmp42")
    sentence = "*_@here_* &lt;!channel&gt;.mp4 skipped: it is a video, not a picture."
    answer = await people.ask("C1", f"{people.bot} which?", clip, people.picture("b.png"))
    assert {"type": "context", "elements": [{"type": "plain_text", "text": sentence}]} in answer.blocks
    people.post("C1", f"{people.bot} which?", clip)
    await eventually(lambda: len(people.team.by_bot()) == 2 and "skipped" in people.team.by_bot()[1].said)
    whole = f"{sentence} No picture is left to answer about."
    assert people.team.by_bot()[1].blocks == [{"type": "section", "text": {"type": "plain_text", "text": whole}}]


@over_both
@pytest.mark.parametrize("channel", ["C1", "D1"])
async def test_a_bug_of_ours_is_told_to_the_asker_once(
    bot: Bot, people: People, refuse: Callable[..., None], channel: str
) -> None:
    refuse(RuntimeError("a bug"))
    with capture_logs() as logs:
        people.post(channel, f"{people.bot} what is this?")
        await eventually(lambda: all(envelope.acknowledged.is_set() for envelope in people.slack.envelopes))
    assert [line["event"] for line in logs if line["log_level"] == "error"] == ["question failed"]
    [told] = [message for message in people.team.messages if message.bot]
    assert (told.to, told.said) == (ALICE, BotFailed().sentence)
    assert [len(envelope.sent) for envelope in people.slack.envelopes] == [1] * len(people.slack.envelopes)


async def test_a_bug_of_ours_in_an_edited_question_is_told_to_the_asker(
    bot: Bot, people: People, refuse: Callable[..., None]
) -> None:
    answer = await people.ask("C1", f"{people.bot} what is this?")
    refuse(RuntimeError("a bug"))
    with capture_logs():
        await eventually(people.edit(people.team.messages[0], f"{people.bot} what is that?").acknowledged.is_set)
    assert (people.team.messages[-1].to, people.team.messages[-1].said) == (ALICE, BotFailed().sentence)
    assert answer.said == "ask: what is this? []"
