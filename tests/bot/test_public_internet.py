import socket

import pytest
from yarl import URL

from bot.errors import Unfetchable
from bot.public_internet import PublicResolver, check_public, is_public

PUBLIC = ["93.184.216.34", "8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "2001:4860:4860::8888", "2a00:1450:4001::1"]
NOT_PUBLIC = [
    "127.0.0.1",
    "127.1.2.3",
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "100.64.0.1",  # carrier-grade NAT
    "169.254.169.254",  # where clouds keep their secrets
    "192.0.0.1",
    "192.0.2.1",
    "192.88.99.1",  # 6to4 relays
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",  # mapped, whatever is in it
    "::8.8.8.8",
    "64:ff9b::7f00:1",  # NAT64
    "64:ff9b::808:808",
    "64:ff9b:1::a00:1",
    "100::1",
    "2001::1",  # Teredo
    "2001:10::1",
    "2001:db8::1",
    "2002:7f00:1::",  # 6to4
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "not an address",
    "",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_addresses_that_anybody_reaches_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_addresses_of_somebodys_own_network_are_not(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://example.com/a.png", "only http and https addresses are fetched"),
        ("file:///etc/passwd", "only http and https addresses are fetched"),
        ("gopher://example.com:80/", "only http and https addresses are fetched"),
        ("http://example.com:6379/", "only the web's own ports are asked, 80 and 443"),
        ("https://example.com:22/", "only the web's own ports are asked, 80 and 443"),
        ("http://ann@example.com/a.png", "the address has a user name or a password in it"),
        ("http://ann:secret@example.com/a.png", "the address has a user name or a password in it"),
        ("http://:secret@example.com/a.png", "the address has a user name or a password in it"),
        ("http://127.0.0.1/a.png", "127.0.0.1 is not on the public internet"),
        ("http://[::1]/a.png", "::1 is not on the public internet"),
        ("http://[::ffff:10.0.0.1]/a.png", "::ffff:a00:1 is not on the public internet"),
        ("http://2130706433/a.png", "2130706433 is not on the public internet"),
        ("http://127.1/a.png", "127.1 is not on the public internet"),
        ("http://0177.0.0.1/a.png", "0177.0.0.1 is not on the public internet"),
        ("http://127。0.0.1/a.png", "127.0.0.1 is not on the public internet"),
        ("http://169.254.169.254/latest/meta-data/", "169.254.169.254 is not on the public internet"),
    ],
)
def test_what_an_address_gives_away_is_refused_before_anything_is_asked(url: str, reason: str) -> None:
    with pytest.raises(Unfetchable) as refused:
        check_public(URL(url))
    assert refused.value.facts["reason"] == reason


@pytest.mark.parametrize("url", ["http://example.com/a.png", "https://example.com:443/a", "http://8.8.8.8/a"])
def test_addresses_on_the_web_pass(url: str) -> None:
    check_public(URL(url))


@pytest.mark.parametrize(
    ("answers", "passes"),
    [
        (["93.184.216.34"], True),
        (["93.184.216.34", "2606:4700::1"], True),
        (["127.0.0.1"], False),
        (["93.184.216.34", "10.0.0.1"], False),
        (["2606:4700::1", "::ffff:127.0.0.1"], False),
    ],
)
async def test_a_name_counts_as_the_worst_of_its_addresses(
    monkeypatch: pytest.MonkeyPatch,
    answers: list[str],
    passes: bool,  # noqa: FBT001  pytest hands it over
) -> None:
    resolver = PublicResolver()
    monkeypatch.setattr(resolver, "_system", FixedAnswers(answers))
    if passes:
        assert [result["host"] for result in await resolver.resolve("example.com", 80)] == answers
    else:
        with pytest.raises(Unfetchable):
            await resolver.resolve("example.com", 80)


class FixedAnswers:
    """What a name server says."""

    def __init__(self, answers: list[str]) -> None:
        self._answers = answers
        self.asked: list[str] = []

    async def resolve(self, host: str, port: int, family: int) -> list[dict[str, object]]:
        self.asked.append(host)
        return [
            {"hostname": host, "host": answer, "port": port, "family": family, "proto": 0, "flags": 0}
            for answer in self._answers
        ]

    async def close(self) -> None:
        """Nothing to release."""


async def test_names_of_this_machine_are_not_public() -> None:
    resolver = PublicResolver()
    for name in ("localhost", "2130706433", "0x7f000001", "127.1"):
        with pytest.raises((Unfetchable, OSError)):
            await resolver.resolve(name, 80, socket.AF_INET)
    await resolver.close()
