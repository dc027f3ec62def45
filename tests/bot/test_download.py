import gzip
import socket
from contextlib import aclosing

import pytest
from aiohttp import ThreadedResolver
from yarl import URL

import bot.public_internet
from bot.download import Hosts, download, download_public
from bot.errors import Unfetchable
from tests.bot.fakes import eventually
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


# ------------------------------------------------------------ addresses that strangers write


class Names:
    """What the name servers say: `answers` one after the other, the last one from then on."""

    def __init__(self) -> None:
        self.answers: dict[str, list[str]] = {}
        self.asked: list[str] = []

    def say(self, host: str) -> list[str]:
        self.asked.append(host)
        answers = self.answers[host]
        return [answers.pop(0) if len(answers) > 1 else answers[0]]


@pytest.fixture
def names(site: Site, monkeypatch: pytest.MonkeyPatch) -> Names:
    """127.0.0.1 stands for the public internet, where the site is; 127.0.0.2 for the owner's own network."""
    names = Names()

    async def resolve(_: ThreadedResolver, host: str, port: int, family: int) -> list[dict[str, object]]:
        return [
            {"hostname": host, "host": answer, "port": port, "family": socket.AF_INET, "proto": 0, "flags": 0}
            for answer in names.say(host)
        ]

    monkeypatch.setattr(ThreadedResolver, "resolve", resolve)
    monkeypatch.setattr(bot.public_internet, "_PORTS", {site.port})
    monkeypatch.setattr(bot.public_internet, "is_public", lambda address: address == "127.0.0.1")
    return names


async def read_public(address: str) -> bytes:
    async with aclosing(download_public(address)) as pieces:
        return b"".join([piece async for piece in pieces])


def public_url(site: Site, path: str, host: str = "pictures.example") -> str:
    return f"http://{host}:{site.port}{path}"


async def test_a_picture_on_the_public_internet_arrives(site: Site, names: Names) -> None:
    names.answers = {"pictures.example": ["127.0.0.1"]}
    assert await read_public(public_url(site, "/hop/2")) == PICTURE


async def test_a_name_of_the_owners_network_is_asked_nothing(site: Site, names: Names) -> None:
    names.answers = {"intranet.example": ["127.0.0.2"]}
    with pytest.raises(Unfetchable) as refused:
        await read_public(public_url(site, "/picture", "intranet.example"))
    assert refused.value.facts["reason"] == "intranet.example is not on the public internet"
    assert site.asked == []


async def test_a_name_that_changes_its_mind_reaches_no_other_machine(site: Site, names: Names) -> None:
    names.answers = {"rebinding.example": ["127.0.0.1", "127.0.0.2"]}
    assert await read_public(public_url(site, "/picture", "rebinding.example")) == PICTURE
    assert names.asked == ["rebinding.example"]  # once: the connection goes to the address that was checked
    with pytest.raises(Unfetchable):
        await read_public(public_url(site, "/picture", "rebinding.example"))
    assert site.asked == ["/picture"]


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("http://127.0.0.2:{port}/picture", "127.0.0.2 is not on the public internet"),
        ("http://intranet.example:{port}/picture", "intranet.example is not on the public internet"),
        ("http://pictures.example:22/picture", "only the web's own ports are asked, 80 and 443"),
        ("http://ann:secret@pictures.example:{port}/picture", "the address has a user name or a password in it"),
        ("file:///etc/passwd", "only http and https addresses are fetched"),
    ],
)
async def test_every_hop_is_checked(site: Site, names: Names, target: str, reason: str) -> None:
    names.answers = {"pictures.example": ["127.0.0.1"], "intranet.example": ["127.0.0.2"]}
    with pytest.raises(Unfetchable) as refused:
        await read_public(public_url(site, f"/to/{target.format(port=site.port)}"))
    assert refused.value.facts["reason"] == reason
    assert len(site.asked) == 1


async def test_a_hop_may_not_change_its_mind_either(site: Site, names: Names) -> None:
    names.answers = {"pictures.example": ["127.0.0.1", "127.0.0.2"]}
    with pytest.raises(Unfetchable):
        await read_public(public_url(site, "/hop/0"))
    assert site.asked == ["/hop/0"]


async def test_nothing_is_told_about_whoever_asks(site: Site, names: Names) -> None:
    names.answers = {"pictures.example": ["127.0.0.1"]}
    await read_public(public_url(site, "/cookie"))
    assert site.asked == ["/cookie", "/picture"]
    for headers in site.headers:
        assert not {"Cookie", "Authorization", "Referer"} & set(headers)


async def test_nobody_unpacks_what_arrives(site: Site, names: Names) -> None:
    names.answers = {"pictures.example": ["127.0.0.1"]}
    assert gzip.decompress(await read_public(public_url(site, "/zipped"))) == PICTURE
    assert site.headers[0]["Accept-Encoding"] == "identity"


async def test_a_download_that_nobody_wants_any_more_ends(site: Site) -> None:
    async with aclosing(download(site.url("/endless"), ANYWHERE)) as pieces:
        await anext(pieces)
    await eventually(lambda: site.left == ["/endless"])
