from contextlib import aclosing

import pytest
from yarl import URL

from bot.download import Hosts, download
from bot.errors import Unfetchable
from tests.bot.site import PICTURE, Site

ANYWHERE = Hosts(None)


async def read(address: str, hosts: Hosts = ANYWHERE) -> bytes:
    async with aclosing(download(address, hosts)) as pieces:
        return b"".join([piece async for piece in pieces])


async def test_the_body_arrives_whole(site: Site) -> None:
    assert await read(site.url("/picture")) == PICTURE


async def test_three_redirects_are_followed(site: Site) -> None:
    assert len(await read(site.url("/hop/2"))) == len(PICTURE)
    assert site.asked == ["/hop/2", "/hop/1", "/hop/0", "/picture"]


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/nothing", "the server answers 404"),
        ("/hop/3", "more than 3 redirects"),
        ("/cut", "it was cut short on the way"),
        ("/file", "file:///etc/passwd is not a place to fetch pictures from"),
        ("/away", "localhost cannot be reached"),
    ],
)
async def test_what_brings_no_body_says_why(site: Site, path: str, reason: str) -> None:
    with pytest.raises(Unfetchable) as refused:
        await read(site.url(path))
    assert refused.value.facts["reason"] == reason


async def test_only_the_hosts_of_a_platform_are_asked(site: Site) -> None:
    with pytest.raises(Unfetchable):
        await read(site.url("/picture"), Hosts(frozenset({"cdn.example.com"})))
    assert site.asked == []


async def test_a_redirect_off_the_platforms_hosts_is_not_followed(site: Site) -> None:
    with pytest.raises(Unfetchable) as refused:
        await read(site.url("/away"), Hosts(frozenset({"127.0.0.1"})))
    assert refused.value.facts["reason"] == "localhost is not a place to fetch pictures from"


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://cdn.example.com/a.png", True),
        ("https://media.example.net/a.png", True),
        ("https://example.net/a.png", False),
        ("https://evil-example.net/a.png", False),
        ("https://cdn.example.com.evil.org/a.png", False),
        ("ftp://cdn.example.com/a.png", False),
    ],
)
def test_a_leading_dot_stands_for_all_hosts_below(url: str, allowed: bool) -> None:  # noqa: FBT001  pytest hands it over
    assert Hosts(frozenset({"cdn.example.com", ".example.net"})).allows(URL(url)) is allowed


async def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(Unfetchable):
        await read("http://[not an address/")
