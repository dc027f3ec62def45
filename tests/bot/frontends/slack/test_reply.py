"""What stands in Slack while an answer is on its way, and in the end."""

import asyncio
import json

import pytest

from bot import delivery
from bot.frontends.slack import stream
from bot.frontends.slack.posts import EVENT_TYPE
from tests.bot.frontends.slack.conftest import Bot, OpenBot, Worker, over_both
from tests.bot.frontends.slack.people import People
from tests.bot.frontends.slack.server import SlackServer, eventually
from tests.bot.frontends.slack.web_api import RefusedError
from tests.bot.pictures import halves, png

LONG = tuple(f"word{number} " for number in range(5))


@over_both
async def test_in_a_channel_one_message_is_posted_and_becomes_the_answer(
    bot: Bot, people: People, worker: Worker
) -> None:
    worker.words, worker.pause_s = LONG, 0.05
    people.post("C1", f"{people.bot} tell me")
    await eventually(lambda: [message for message in people.team.by_bot() if "word0" in message.said])
    draft = people.team.by_bot()[0]
    assert "stop" in draft.buttons
    worker.hold.set()
    await eventually(lambda: draft.is_answered)
    assert draft.said == "word0 word1 word2 word3 word4 "
    assert "stop" not in draft.buttons
    assert draft.edits[0] in {"_Next in line_", "_Looking ..._"}
    assert people.team.by_bot() == [draft]
    assert draft.metadata is not None
    assert draft.metadata["event_type"] == EVENT_TYPE


@over_both
async def test_in_a_direct_message_a_status_stands_until_the_words_are_streamed(
    bot: Bot, people: People, worker: Worker
) -> None:
    worker.words, worker.pause_s = LONG, 0.05
    question = people.post("D1", "tell me")
    await eventually(lambda: len(people.team.by_bot()) == 1)
    streamed = people.team.by_bot()[0]
    await eventually(lambda: streamed.is_streaming)
    assert people.team.statuses[0] in {(question.ts, "is waiting: next in line"), (question.ts, "is looking ...")}
    await eventually(lambda: "word3" in streamed.text)
    worker.hold.set()
    await eventually(lambda: streamed.is_answered and not streamed.is_streaming)
    assert streamed.said.startswith("word0 word1 word2 word3 word4")
    assert people.slack.api.count("chat.update") == 0


@over_both
async def test_an_expired_stream_is_finished_by_an_edit(bot: Bot, people: People, worker: Worker) -> None:
    worker.words, worker.pause_s = LONG, 0.05
    people.post("D1", "tell me")
    await eventually(lambda: len(people.team.by_bot()) == 1)
    message = people.team.by_bot()[0]
    message.is_streaming = False  # Slack ends it after five minutes
    await asyncio.sleep(0.3)
    worker.hold.set()
    await eventually(lambda: message.is_answered)
    assert message.said == "word0 word1 word2 word3 word4 "
    assert people.team.by_bot() == [message]


async def test_an_append_whose_response_was_lost_doubles_no_word(
    bot: Bot, people: People, worker: Worker, slack: SlackServer
) -> None:
    worker.words, worker.pause_s = LONG, 0.05
    slack.fail("chat.appendStream", lost=True)
    people.post("D1", "tell me")
    await asyncio.sleep(0.3)
    worker.hold.set()
    await eventually(people.team.answers)
    assert [message.said.strip() for message in people.team.by_bot()] == ["word0 word1 word2 word3 word4"]


async def test_where_streams_are_refused_a_message_is_edited(
    bot: Bot, people: People, worker: Worker, slack: SlackServer
) -> None:
    worker.words, worker.pause_s = LONG, 0.02
    slack.fail("chat.startStream", error="channel_type_not_supported", times=99)
    worker.hold.set()
    await people.ask("D1", "tell me")
    assert [message.said.strip() for message in people.team.by_bot()] == ["word0 word1 word2 word3 word4"]


@pytest.mark.parametrize("channel", ["C1", "D1"])
@pytest.mark.parametrize("method", ["chat.postMessage", "chat.startStream", "chat.stopStream", "chat.update"])
@pytest.mark.usefixtures("bot")
async def test_a_call_whose_response_was_lost_leaves_one_answer(
    people: People, worker: Worker, slack: SlackServer, method: str, channel: str
) -> None:
    worker.words, worker.pause_s = LONG, 0.02
    slack.fail(method, lost=True)
    worker.hold.set()
    await people.ask(channel, f"{people.bot} tell me")
    await asyncio.sleep(0.1)
    assert [message.said.strip() for message in people.team.by_bot()] == ["word0 word1 word2 word3 word4"]


async def test_slack_saying_slow_down_delays_an_answer_and_loses_nothing(
    bot: Bot, people: People, slack: SlackServer
) -> None:
    slack.fail("chat.postMessage", error="ratelimited", status=429, times=1)
    slack.fail("chat.update", error="ratelimited", status=429, times=1)
    answer = await people.ask("C1", f"{people.bot} what is this?")
    assert answer.said == "ask: what is this? []"
    assert len(people.team.by_bot()) == 1


@over_both
async def test_what_a_model_says_can_ping_nobody(bot: Bot, people: People, worker: Worker) -> None:
    worker.words = ("<!channel> <@UBOB> a < b & `<code>` ",)
    worker.notices = ("<!here> & more",)
    worker.hold.set()
    for channel in ("C1", "D1"):
        answer = await people.ask(channel, f"{people.bot} tell me")
        assert answer.said.startswith("&lt;!channel&gt; &lt;@UBOB&gt; a &lt; b &amp; `&lt;code&gt;`")
        assert answer.said.endswith("&lt;!here&gt; &amp; more")
        assert "<!" not in answer.text


async def test_a_long_answer_stands_in_two_messages_with_whole_code_blocks(
    bot: Bot, people: People, worker: Worker
) -> None:
    worker.words = ("```py\n" + "x = 1  # a line\n" * 900 + "```",)
    worker.hold.set()
    await people.ask("C1", f"{people.bot} tell me")
    first, second = people.team.by_bot()
    assert first.said.startswith("```py")
    assert first.said.endswith("```")
    assert second.said.startswith("```py")
    assert (first.said + second.said).count("x = 1") == 900
    assert second.is_answered
    assert not first.is_answered
    assert first.thread == second.thread


async def test_a_longer_answer_is_a_file_as_well(bot: Bot, people: People, worker: Worker) -> None:
    text = "A sentence & another. " * 2_000
    worker.words = (text,)
    worker.hold.set()
    await people.ask("C1", f"{people.bot} tell me")
    [posted] = [message for message in people.team.by_bot() if message.files]
    assert posted.files[0].name == "answer.md"
    assert posted.files[0].content.decode() == text
    assert posted.thread == people.team.messages[0].ts
    assert "(The whole answer is in the file.)" in "".join(message.said for message in people.team.by_bot())


async def test_a_file_whose_response_was_lost_is_not_posted_twice(
    bot: Bot, people: People, worker: Worker, slack: SlackServer
) -> None:
    slack.fail("files.completeUploadExternal", lost=True)
    worker.words = ("A sentence & another. " * 2_000,)
    worker.hold.set()
    await people.ask("C1", f"{people.bot} tell me")
    assert sum(bool(message.files) for message in people.team.by_bot()) == 1


async def test_a_comparison_stands_in_a_table(bot: Bot, people: People, worker: Worker) -> None:
    worker.words = ("They differ:\n\n| | 1 | 2 |\n|---|---|---|\n| sky | **blue** | a < b |\n\nThat is all.",)
    worker.hold.set()
    answer = await people.ask("C1", f"{people.bot} compare", people.picture("a.png"), people.picture("b.png"))
    assert answer.blocks is not None
    before, table, after = answer.blocks[:3]
    assert before["text"] == "They differ:"
    assert [[cell["text"] for cell in row] for row in table["rows"]] == [[" ", "1", "2"], ["sky", "blue", "a &lt; b"]]
    assert after["text"] == "That is all."
    assert answer.text == "They differ:\n\n1 · 2\nsky · **blue** · a &lt; b\n\nThat is all."  # read out


async def test_a_comparison_in_words_becomes_a_table_that_names_the_pictures(
    bot: Bot, people: People, worker: Worker
) -> None:
    worker.words = ("The sky is grey now. ", "A < B.")
    worker.hold.set()
    for channel in ("C1", "D1"):  # edited, and streamed before
        answer = await people.ask(
            channel,
            f"{people.bot} compare",
            people.picture("a.png"),
            people.picture("b.png", content=png(halves(9, 9))),
        )
        assert answer.blocks is not None
        assert [[cell["text"] for cell in row] for row in answer.blocks[0]["rows"]] == [
            ["Pictures", "Difference"],
            ["1, 2", "The sky is grey now."],
            ["1, 2", "A &lt; B."],
        ]
        assert answer.text == "Pictures · Difference\n1, 2 · The sky is grey now.\n1, 2 · A &lt; B."


@pytest.mark.parametrize("rule", ["edit_window_closed", "cant_update_message"])
async def test_where_a_message_may_not_be_edited_the_answer_is_a_new_one(
    bot: Bot, people: People, worker: Worker, slack: SlackServer, rule: str
) -> None:
    slack.fail("chat.update", error=rule, times=99)
    worker.words, worker.pause_s = LONG, 0.02
    worker.hold.set()
    answer = await people.ask("C1", f"{people.bot} tell me")
    await eventually(lambda: people.team.by_bot() == [answer])
    assert answer.said == "word0 word1 word2 word3 word4 "


async def test_parts_stand_in_their_order_after_somebody_deleted_the_first(
    bot: Bot, people: People, worker: Worker
) -> None:
    worker.words = ("word " * 3_000,)
    worker.hold.set()
    await people.ask("C1", f"{people.bot} tell me")
    first, second = people.team.by_bot()
    first.is_deleted = True
    worker.words = ("".join(f"{number} " for number in range(3_000)),)
    await people.press(second, "regenerate")
    await eventually(lambda: len(people.team.by_bot()) == 2 and people.team.by_bot()[1].is_answered)
    said = "".join(message.said for message in people.team.by_bot())
    assert said.split() == [str(number) for number in range(3_000)]


async def test_a_status_is_set_again_before_slack_takes_it_away(
    bot: Bot, people: People, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "_SIGN_LASTS_S", 0.05)
    monkeypatch.setattr(delivery, "_POSITION_INTERVAL_S", 0.05)
    worker.words = ("",)
    people.post("D1", "tell me")
    await eventually(lambda: [words for _, words in people.team.statuses].count("is looking ...") >= 3)
    worker.hold.set()


async def test_a_stream_ends_where_a_message_would_be_too_long(
    bot: Bot, people: People, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "MOST_CHARACTERS", 20)
    worker.words, worker.pause_s = LONG, 0.05
    worker.hold.set()
    answer = await people.ask("D1", "tell me")
    assert answer.said == "word0 word1 word2 word3 word4 "


async def test_a_channel_that_the_bot_was_removed_from_ends_the_delivery(
    bot: Bot, people: People, worker: Worker
) -> None:
    worker.words = LONG
    people.post("C1", f"{people.bot} tell me")
    await eventually(people.team.by_bot)
    people.team.members["C1"].clear()
    worker.hold.set()
    await eventually(lambda: worker.answered)
    await eventually(lambda: not bot.responder._custody._held)


async def test_a_comparison_names_the_pictures_that_were_compared_and_no_others(
    bot: Bot, people: People, worker: Worker
) -> None:
    pictures = [people.picture(f"{size}.png", content=png(halves(size, size))) for size in (8, 9, 10)]
    first = await people.ask("C1", f"{people.bot} what is this?", pictures[0])
    answer = await people.ask("C1", f"{people.bot} compare", *pictures[1:], thread=first.thread)
    assert answer.said.startswith("Pictures\nDifference\n2, 3\n")
    everything = await people.ask("C1", f"{people.bot} compare", thread=first.thread)
    assert everything.said.startswith("Pictures\nDifference\n1, 2, 3\n")


@pytest.mark.parametrize("channel", ["C1", "D1"])
async def test_a_refusal_of_any_length_stands_with_its_beginning_and_its_end(
    open_bot: OpenBot, people: People, worker: Worker, channel: str
) -> None:
    async with open_bot(allow_urls=True, max_pictures=70):
        links = " ".join(f"<http://127.0.0.1:1/{number}>" for number in range(70))
        people.post(channel, f"{people.bot} what are {links}")
        await eventually(lambda: [message for message in people.team.by_bot() if "skipped" in message.said])
    [told] = people.team.by_bot()
    assert told.said.startswith("http://127.0.0.1:1/0 skipped: ")
    assert told.said.endswith("No picture is left to answer about.")
    assert 2_500 < len(told.said) <= 3_000


@pytest.mark.parametrize("error", ["invalid_blocks", "msg_too_long"])
async def test_what_slack_does_not_take_with_its_blocks_stands_as_plain_text(
    bot: Bot, people: People, worker: Worker, slack: SlackServer, error: str
) -> None:
    served = slack.api.answer

    def refuse_blocks(method: str, token: str, arguments: dict[str, object], *, is_json: bool) -> dict[str, object]:
        if method == "chat.update" and "three" in json.dumps(arguments.get("blocks")):
            raise RefusedError(error)
        return served(method, token, arguments, is_json=is_json)

    slack.api.answer = refuse_blocks  # type: ignore[method-assign]  # a rule of Slack's that we do not know
    worker.words = ("one ", "two ", "three")
    people.post("C1", f"{people.bot} tell me")
    await eventually(lambda: [message for message in people.team.by_bot() if "one" in message.said])
    worker.hold.set()
    await eventually(lambda: [message.said for message in people.team.by_bot()] == ["one two three"])
