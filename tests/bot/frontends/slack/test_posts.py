"""What stands for an answer, and how it is looked for."""

from typing import Any, cast

import pytest

from bot.frontends.slack.errors import CallLost, CallRefused
from bot.frontends.slack.place import Place
from bot.frontends.slack.posts import Part, Posts
from bot.frontends.slack.workspace import Workspace
from jobs import JobId

PLACE = Place(team="T1", channel="C1", thread="1.0", asked="1.0", user="U1")
JOB = JobId(tenant_key="slack:T1", source="C1/1.0")


class Paged:
    """A thread of two pages. Cursors last as long as their `epoch`; the second page is `away` at first."""

    bot, bot_user, team = "B1", "UBOT", "T1"

    def __init__(self) -> None:
        self.epoch, self.away = 0, True
        self.asked: list[str] = []

    async def call(self, method: str, *, cursor: str = "", **_: Any) -> dict[str, Any]:
        self.asked.append(cursor)
        following = f"page 2 of {self.epoch}"
        if not cursor:
            return {"messages": [], "response_metadata": {"next_cursor": following}}
        if self.away:
            raise CallLost(method=method, reason="service_unavailable")
        if cursor != following:
            raise CallRefused(method=method, reason="invalid_cursor")
        return {"messages": []}


@pytest.mark.parametrize("lasts", [True, False])
async def test_a_search_goes_on_where_it_was_lost_or_begins_anew_where_slack_has_forgotten_that(lasts: bool) -> None:  # noqa: FBT001 - a parameter
    paged, posts = Paged(), Posts(PLACE, (), is_sure=False)
    with pytest.raises(CallLost):
        await posts.find(cast("Workspace", paged), JOB)
    paged.away, paged.epoch = False, 0 if lasts else 1
    await posts.find(cast("Workspace", paged), JOB)
    assert posts.is_sure
    assert paged.asked == ["", "page 2 of 0", "page 2 of 0", *([] if lasts else ["", "page 2 of 1"])]


class Obliging:
    """Does what it is told, and remembers it."""

    bot, bot_user, team = "B1", "UBOT", "T1"

    def __init__(self) -> None:
        self.deleted: list[str] = []

    async def call(self, method: str, **told: Any) -> dict[str, Any]:
        if method == "files.delete":
            self.deleted.append(told["file"])
        return {"ts": "2.0", "messages": []}


async def test_a_file_whose_answer_was_never_told_goes_with_the_next_one() -> None:
    # The question was edited between the two: the old answer stood beside the new one, as a file.
    slack, posts = Obliging(), Posts(PLACE, (), is_sure=True)
    posts.own(["F1"])
    await posts.put(cast("Workspace", slack), JOB, [Part(text="short", blocks=[])])
    assert slack.deleted == ["F1"]
