"""Private files: fetched with the bot's token, from Slack's own hosts only, and gone when they are deleted."""

import pytest
from yarl import URL

from bot.frontends.slack.files import Files
from bot.frontends.slack.message import SharedFile
from jobs import ConversationId
from jobs.memory import MemoryJobs
from tests.bot.frontends.slack.conftest import Bot, Worker, over_both
from tests.bot.frontends.slack.people import BOB, People
from tests.bot.frontends.slack.server import SlackServer, eventually
from tests.bot.pictures import halves, png


@over_both
async def test_a_download_carries_the_bot_s_token(bot: Bot, people: People, slack: SlackServer) -> None:
    await people.ask("C1", f"{people.bot} what is this?", people.picture("a.png"))
    assert slack.downloads == [("F1", "Bearer xoxb-T1")]
    assert slack.api.count("files.info") == 0  # the event had the address


@over_both
async def test_a_slack_connect_file_is_asked_for_first(bot: Bot, people: People, slack: SlackServer) -> None:
    answer = await people.ask("C1", f"{people.bot} what is this?", people.picture("a.png", is_connect=True))
    assert slack.api.count("files.info") == 1
    assert answer.said == "ask: what is this? []"  # it had no name when it was asked about
    assert slack.downloads == [("F1", "Bearer xoxb-T1")]


@over_both
async def test_a_sign_in_page_instead_of_a_file_is_explained(bot: Bot, people: People) -> None:
    people.team.scopes.remove("files:read")
    people.post("C1", f"{people.bot} what is this?", people.picture("a.png"))
    await eventually(lambda: [message for message in people.team.by_bot() if "a.png skipped" in message.said])
    [told] = people.team.by_bot()
    assert "the app needs the scope files:read" in told.said


@over_both
async def test_a_missing_scope_for_a_connect_file_is_explained_and_the_others_are_seen(
    bot: Bot, people: People, slack: SlackServer
) -> None:
    slack.fail("files.info", error="missing_scope")
    answer = await people.ask(
        "C1", f"{people.bot} what is this?", people.picture("a.png", is_connect=True), people.picture("b.png")
    )
    assert answer.said == (
        "ask: what is this? [b.png]\nFile 1 skipped: it cannot be fetched (the app needs the scope files:read)."
    )


async def test_the_token_goes_nowhere_else(bot: Bot, people: People, slack: SlackServer) -> None:
    elsewhere = f"{slack.url.replace('127.0.0.1', 'localhost')}/files/T1-F1/a.png"
    answer = await people.ask(
        "C1",
        f"{people.bot} what is this?",
        people.picture("a.png", url=elsewhere),
        people.picture("b.png", redirect=elsewhere),
        people.picture("c.png"),
    )
    assert [file for file, _ in slack.downloads] == ["F2", "F3"]
    assert "a.png skipped: it cannot be fetched (it is kept at localhost, not in Slack)." in answer.said
    assert "b.png skipped: it cannot be fetched (Slack asks to sign in" in answer.said
    assert answer.said.startswith("ask: what is this? [c.png]")


async def test_a_file_that_was_deleted_meanwhile_is_said(bot: Bot, people: People) -> None:
    answer = await people.ask(
        "C1", f"{people.bot} what is this?", people.picture("a.png", is_deleted=True), people.picture("b.png")
    )
    assert "a.png skipped: it cannot be fetched (it was deleted in Slack)." in answer.said


@pytest.mark.parametrize("status", [503, 429])
async def test_a_busy_file_host_is_asked_again(bot: Bot, people: People, status: int) -> None:
    answer = await people.ask("C1", f"{people.bot} what is this?", people.picture("a.png", busy=2, busy_with=status))
    assert answer.said == "ask: what is this? [a.png]"


async def test_a_file_that_is_cut_short_is_said(bot: Bot, people: People) -> None:
    answer = await people.ask(
        "C1", f"{people.bot} what is this?", people.picture("a.png", is_cut_short=True), people.picture("b.png")
    )
    assert "a.png skipped: it cannot be fetched (it was cut short on the way)." in answer.said


@pytest.mark.parametrize(
    ("address", "is_slacks"),
    [
        ("https://files.slack.com/files-pri/T1-F1/a.png", True),
        ("https://slack-files.com.evil.test/a.png", False),
        ("https://evilslack.com/a.png", False),
        ("http://files.slack.com/a.png", False),
        ("https://files.slack.com@evil.test/a.png", False),
    ],
)
def test_only_slack_s_own_hosts_are_slack_s(address: str, *, is_slacks: bool) -> None:
    assert Files(api_url="https://slack.com/api/")._is_slacks(URL(address)) is is_slacks


def test_addresses_are_remembered_for_so_many_files() -> None:
    files = Files(api_url="https://slack.com/api/")
    files.remember(
        "T1", tuple(SharedFile(id=f"F{number}", url="https://files.slack.com/a") for number in range(10_001))
    )
    assert len(files._addresses) == 10_000


@over_both
@pytest.mark.parametrize("channel", ["C1", "D1"])
async def test_a_deleted_file_is_out_of_the_conversation_and_the_last_question_is_answered_without_it(
    bot: Bot, people: People, channel: str
) -> None:
    secret, other = people.picture("secret.png", content=png(halves(40, 40))), people.picture("b.png")
    answer = await people.ask(channel, f"{people.bot} what is this?", secret, other)
    people.delete_file(secret)
    await eventually(lambda: answer.said == "ask: what is this? [b.png]")
    follow_up = await people.ask(channel, "and now?", thread=answer.thread)
    assert follow_up.said == "ask: and now? [b.png]"
    assert people.team.by_bot() == [answer, follow_up]


async def test_a_deleted_file_of_an_older_question_is_out_of_the_conversation(
    bot: Bot, people: People, worker: Worker
) -> None:
    secret = people.picture("secret.png")
    first = await people.ask("C1", f"{people.bot} what is this?", secret)
    await people.ask("C1", "and now?", thread=first.thread)
    await eventually(people.delete_file(secret)[0].acknowledged.is_set)
    assert (await people.ask("C1", "and then?", thread=first.thread)).said == "ask: and then? []"
    assert len(worker.answered) == 3


async def test_a_file_that_is_deleted_while_its_question_is_answered_is_not_in_the_answer(
    bot: Bot, people: People, worker: Worker
) -> None:
    secret = people.picture("secret.png")
    worker.words = ("one ", "two ", "three")
    people.post("C1", f"{people.bot} what is this?", secret)
    await eventually(lambda: [message for message in people.team.by_bot() if "one" in message.said])
    worker.words = ()
    people.delete_file(secret)
    await eventually(lambda: [message.said for message in people.team.answers()] == ["ask: what is this? []"])
    assert len(people.team.by_bot()) == 1


async def test_what_was_asked_in_place_of_a_file_goes_with_its_message(
    bot: Bot, people: People, jobs: MemoryJobs
) -> None:
    shown = people.picture("a.png")
    message = people.post("C1", "", shown)
    people.delete_file(shown)
    people.edit(message, f"{people.bot} is this secret?")
    await eventually(lambda: [answer.said for answer in people.team.answers()] == ["ask: is this secret? []"])
    await eventually(people.delete(message).acknowledged.is_set)
    await eventually(lambda: not people.team.by_bot())
    where = ConversationId(platform="slack", tenant="T1", channel="C1", thread=message.ts)
    assert not (await jobs.conversations.load(where)).turns


@pytest.mark.parametrize(("channel", "words"), [("C1", "{bot}"), ("D1", "")])
async def test_a_question_of_nothing_but_a_file_is_deleted_with_it(
    bot: Bot, people: People, jobs: MemoryJobs, channel: str, words: str
) -> None:
    secret = people.picture("secret.png")
    answer = await people.ask(channel, words.format(bot=people.bot), secret)
    people.delete_file(secret)
    await eventually(lambda: not people.team.by_bot())
    thread = "-" if channel == "D1" else answer.thread or ""
    where = ConversationId(platform="slack", tenant="T1", channel=channel, thread=thread)
    assert (await jobs.conversations.load(where)).turns == ()


@pytest.mark.parametrize("alone", [True, False])
async def test_a_picture_of_another_app_goes_when_it_is_deleted(bot: Bot, people: People, *, alone: bool) -> None:
    chart = people.picture("chart.png")
    root = people.write("C1", "look", user=BOB)
    theirs = people.write_as_app("C1", "the load is high", chart, thread=root.ts)
    answer = await people.ask("C1", f"{people.bot} what is this?", thread=root.ts)
    assert answer.said == "ask: what is this? [chart.png]"
    [deletion] = people.delete_file(chart) if alone else [people.delete(theirs)]
    await eventually(deletion.acknowledged.is_set)
    assert (await people.ask("C1", "and now?", thread=root.ts)).said == "ask: and now? []"
    assert answer.said == "ask: what is this? [chart.png]"
