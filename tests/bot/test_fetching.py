from collections.abc import AsyncGenerator

import pytest

from bot import links
from bot.errors import (
    NotAPicture,
    PictureNotFetched,
    PictureTooLarge,
    PictureTooSlow,
    Unfetchable,
)
from bot.fetching import Fetcher
from jobs import PictureRef
from tests.bot.fakes import FakePlatform
from tests.bot.pictures import png

MIB = 1024**2
FETCHER_MB = 10


def ref_of(origin: str, size_bytes: int | None = None) -> PictureRef:
    return PictureRef(platform="fake", origin=origin, size_bytes=size_bytes)


@pytest.fixture
def fetcher() -> Fetcher:
    return Fetcher(max_bytes=FETCHER_MB * MIB, timeout_s=0.2)


async def test_the_whole_file_arrives(fetcher: Fetcher, platform: FakePlatform) -> None:
    platform.files["a"] = png() + b"trailing" * 1000
    assert await fetcher.fetch(platform, ref_of("a"), name="a.png") == platform.files["a"]


async def test_a_file_that_says_it_is_too_large_is_not_fetched(fetcher: Fetcher, platform: FakePlatform) -> None:
    platform.files["a"] = png()
    with pytest.raises(PictureTooLarge) as refused:
        await fetcher.fetch(platform, ref_of("a", 14 * MIB), name="a.png")
    assert refused.value.sentence == "a.png skipped: 14 MB, the limit is 10."
    assert platform.fetched == []


async def test_just_over_the_limit_does_not_read_as_the_limit(fetcher: Fetcher, platform: FakePlatform) -> None:
    with pytest.raises(PictureTooLarge) as refused:
        await fetcher.fetch(platform, ref_of("a", 10 * MIB + 1), name="a.png")
    assert refused.value.sentence == "a.png skipped: 10.1 MB, the limit is 10."


async def test_a_file_that_lies_about_its_size_is_stopped_at_the_limit(
    fetcher: Fetcher, platform: FakePlatform
) -> None:
    platform.piece_bytes = MIB
    platform.files["a"] = png() + bytes(50 * MIB)
    with pytest.raises(PictureTooLarge) as refused:
        await fetcher.fetch(platform, ref_of("a", 100), name="a.png")
    assert refused.value.sentence == "a.png skipped: over 10 MB, the limit is 10."


async def test_what_is_no_picture_is_given_up_after_its_first_bytes(fetcher: Fetcher, platform: FakePlatform) -> None:
    platform.files["page.png"] = b"<html>Sign in</html>" + b" " * MIB
    platform.pause_s = 0.05  # all of it would take far longer than a fetch may
    with pytest.raises(NotAPicture) as refused:
        await fetcher.fetch(platform, ref_of("page.png"), name="a.png")
    assert refused.value.sentence == "a.png skipped: it is a web page, not a picture."


async def test_a_stalling_server_is_given_up_in_time(fetcher: Fetcher, platform: FakePlatform) -> None:
    platform.files["a"] = png() * 10
    platform.pause_s = 60.0
    with pytest.raises(PictureTooSlow) as refused:
        await fetcher.fetch(platform, ref_of("a"), name="a.png")
    assert refused.value.sentence == "a.png skipped: it took more than 0.2 s to arrive."


async def test_what_cannot_be_fetched_says_why(fetcher: Fetcher, platform: FakePlatform) -> None:
    platform.files["a"] = Unfetchable(reason="the server answers 404")
    with pytest.raises(PictureNotFetched) as refused:
        await fetcher.fetch(platform, ref_of("a"), name="a.png")
    assert refused.value.sentence == "a.png skipped: it cannot be fetched (the server answers 404)."


async def test_an_address_in_a_message_is_fetched_by_whoever_may(platform: FakePlatform) -> None:
    async def fetch(address: str) -> AsyncGenerator[bytes, None]:
        yield png() + address.encode()

    link = PictureRef(platform=links.PLATFORM, origin="https://example.com/a.png")
    fetcher = Fetcher(max_bytes=MIB, timeout_s=0.2, fetch_link=fetch)
    assert (await fetcher.fetch(platform, link, name="a.png")).endswith(b"https://example.com/a.png")
    assert platform.fetched == []


async def test_where_links_are_switched_off_none_is_fetched(fetcher: Fetcher, platform: FakePlatform) -> None:
    link = PictureRef(platform=links.PLATFORM, origin="https://example.com/a.png")
    with pytest.raises(PictureNotFetched) as refused:
        await fetcher.fetch(platform, link, name="a.png")
    assert "addresses that people write are not fetched here" in refused.value.sentence
    assert platform.fetched == []
