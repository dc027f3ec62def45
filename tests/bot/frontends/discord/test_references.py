"""Which pictures a question brings when there are more than it may."""

from collections.abc import Sequence

import pytest

from bot.frontends.discord.references import make_room
from jobs import PictureRef


def named(names: str) -> list[PictureRef]:
    return [PictureRef(platform="discord", origin=f"1/2/{name}", name=name) for name in names]


@pytest.mark.parametrize(
    ("earlier", "own", "brought"),
    [
        ("", "xy", "xy"),
        ("abc", "", "abc"),
        ("abcdef", "", "bcdef"),
        ("abc", "x", "abcx"),
        ("abcde", "xy", "cdexy"),
        ("abc", "vwxyz", "vwxyz"),
        ("abc", "uvwxyz", "uvwxyz"),
    ],
)
def test_ones_own_come_first_into_the_room_and_then_the_latest(earlier: str, own: str, brought: Sequence[str]) -> None:
    assert [ref.name for ref in make_room(named(earlier), named(own), most=5)] == [*brought]
