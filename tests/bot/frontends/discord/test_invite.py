from urllib.parse import parse_qs, urlsplit

import discord
import pytest

from bot.frontends.discord.errors import TokenRefused
from bot.frontends.discord.invite import find_application, invite_url
from bot.frontends.discord.permissions import lacking, missing
from tests.bot.frontends.discord.fake.server import TOKEN, FakeDiscord


def test_the_link_asks_for_exactly_the_permissions_that_are_needed() -> None:
    query = parse_qs(urlsplit(invite_url(42)).query)
    assert query["client_id"] == ["42"]
    assert query["scope"] == ["bot applications.commands"]
    assert discord.Permissions(int(query["permissions"][0])) == discord.Permissions(
        view_channel=True,
        send_messages=True,
        send_messages_in_threads=True,
        create_public_threads=True,
        attach_files=True,
        read_message_history=True,
    )


def test_missing_permissions_are_named_as_discord_names_them() -> None:
    assert missing(discord.Permissions.all()) == ()
    lacks = missing(discord.Permissions(view_channel=True, send_messages=True, read_message_history=True))
    assert lacking(lacks) == (
        'I lack the permissions "Send Messages in Threads" and "Create Public Threads" and "Attach Files" there'
    )


async def test_discord_knows_whose_token_it_is(server: FakeDiscord) -> None:
    assert await find_application(TOKEN) == server.bot.id


async def test_a_wrong_token_is_said_to_be_wrong(server: FakeDiscord) -> None:
    with pytest.raises(TokenRefused, match="DISCORD_TOKEN"):
        await find_application("another")
