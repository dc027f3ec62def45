"""Private files: fetched with the bot's token, from Slack's own hosts only."""

import pytest
from yarl import URL

from bot.frontends.slack.files import Files
from bot.frontends.slack.message import SharedFile
from tests.bot.frontends.slack.conftest import Bot, over_both
from tests.bot.frontends.slack.people import People
from tests.bot.frontends.slack.server import SlackServer, eventually


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
    await eventually(lambda: [message for message in people.team.by_bot() if "Picture 1 skipped" in message.said])
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
        "ask: what is this? [b.png]\nPicture 1 skipped: it cannot be fetched (the app needs the scope files:read)."
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
    assert "Picture 1 skipped: it cannot be fetched (it is kept at localhost, not in Slack)." in answer.said
    assert "Picture 2 skipped: it cannot be fetched (Slack asks to sign in" in answer.said
    assert answer.said.startswith("ask: what is this? [c.png]")


async def test_a_file_that_was_deleted_meanwhile_is_said(bot: Bot, people: People) -> None:
    answer = await people.ask(
        "C1", f"{people.bot} what is this?", people.picture("a.png", is_deleted=True), people.picture("b.png")
    )
    assert "Picture 1 skipped: it cannot be fetched (it was deleted in Slack)." in answer.said


@pytest.mark.parametrize("status", [503, 429])
async def test_a_busy_file_host_is_asked_again(bot: Bot, people: People, status: int) -> None:
    answer = await people.ask("C1", f"{people.bot} what is this?", people.picture("a.png", busy=2, busy_with=status))
    assert answer.said == "ask: what is this? [a.png]"


async def test_a_file_that_is_cut_short_is_said(bot: Bot, people: People) -> None:
    answer = await people.ask(
        "C1", f"{people.bot} what is this?", people.picture("a.png", is_cut_short=True), people.picture("b.png")
    )
    assert "Picture 1 skipped: it cannot be fetched (it was cut short on the way)." in answer.said


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
