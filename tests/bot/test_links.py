import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.links import PLATFORM, find_urls, with_links
from tests.bot.fakes import mention


@pytest.mark.parametrize(
    ("text", "urls"),
    [
        ("what is https://example.com/a.png", ["https://example.com/a.png"]),
        ("HTTP://EXAMPLE.COM/A.PNG?", ["HTTP://EXAMPLE.COM/A.PNG"]),
        ("(see http://example.com/a.png).", ["http://example.com/a.png"]),
        ("[this](https://example.com/a_(1).png), please", ["https://example.com/a_(1).png"]),
        ("no preview: <https://example.com/a.png>", ["https://example.com/a.png"]),
        ("<https://example.com/a.png|a picture>", ["https://example.com/a.png"]),
        ("**https://example.com/a.png**", ["https://example.com/a.png"]),
        ("`https://example.com/a.png`", ["https://example.com/a.png"]),
        ("https://example.com/a?x=1&y=2#z!", ["https://example.com/a?x=1&y=2#z"]),
        ("https://a.example/1 https://a.example/2 https://a.example/1", ["https://a.example/1", "https://a.example/2"]),
        ("https://[2001:4860::1]/a.png", ["https://[2001:4860::1]/a.png"]),
        ("ftp://example.com/a.png file:///etc/passwd javascript:alert(1) example.com/a.png", []),
        ("https:// http://. shttp", []),
        ("https://example.com/" + "a" * 2000, []),
    ],
)
def test_addresses_are_found_as_people_write_them(text: str, urls: list[str]) -> None:
    assert list(find_urls(text)) == urls


@given(st.text(string.printable, max_size=200))
def test_what_is_found_stands_in_the_text_and_is_no_more_than_an_address(text: str) -> None:
    for url in find_urls(text):
        assert url in text
        assert url.lower().startswith(("http://", "https://"))
        assert not set(url) & set(" \n\t<>|\"'`")


@given(st.text("ab.)(]", max_size=20).filter(lambda path: path.endswith(("a", "b"))))
def test_an_address_survives_the_punctuation_around_it(path: str) -> None:
    url = f"https://example.com/{path}"
    assert find_urls(f"Look: {url}.") == find_urls(f"<{url}>") == (url,)


def test_addresses_come_behind_the_pictures_that_a_question_brings() -> None:
    asked = with_links(mention("and https://example.com/b.png?", "a.png"))
    assert [(ref.platform, ref.origin) for ref in asked.references] == [
        ("fake", "a.png"),
        (PLATFORM, "https://example.com/b.png"),
    ]
    assert with_links(mention("no address", "a.png")).references == mention("", "a.png").references
