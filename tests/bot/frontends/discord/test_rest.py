"""Calls of Discord's REST interface."""

from collections.abc import AsyncIterator

import pytest
from discord.http import Route

from bot.frontends.discord.errors import TooManyPosts
from bot.frontends.discord.pace import Urgency
from bot.frontends.discord.rest import Rest
from tests.bot.frontends.discord.fake.server import TOKEN, FakeDiscord


@pytest.fixture
async def rest(server: FakeDiscord) -> AsyncIterator[Rest]:
    opened = Rest(TOKEN)
    yield opened
    await opened.close()


async def test_giving_up_during_the_limit_on_everything_does_not_stop_all_later_calls(
    rest: Rest, server: FakeDiscord
) -> None:
    channel = server.add_channel(server.add_guild())
    look = Route("GET", "/channels/{channel_id}", channel_id=channel.id)
    await rest.send(look, Urgency.LOOK, doing="view_channel")
    server.limits.everything = 0
    with pytest.raises(TooManyPosts):
        await rest.paced(Urgency.LOOK, lambda: rest.http.request(look), doing="view_channel", patience_s=0.1)
    server.limits.everything = 50
    found = await rest.paced(Urgency.LOOK, lambda: rest.http.request(look), doing="view_channel", patience_s=5.0)
    assert found["id"] == str(channel.id)
