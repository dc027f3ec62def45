"""Addresses that people write into a message, as references to pictures. Whether they are fetched is a setting."""

import re

import msgspec

from bot.mention import Mention
from jobs import PictureRef

PLATFORM = "link"  # of a reference that no front end fetches: `fetching` does, and only from the public internet

# `|` ends an address in Slack's <address|words>, the rest never stands in one unescaped.
_URL = re.compile(r"https?://[^\s<>|\"'`\\^{}]+", re.IGNORECASE)
_SENTENCE_MARKS = ".,;:!?*_~"  # behind an address they belong to the sentence, or are Markdown
_CLOSING = {")": "(", "]": "["}
_LONGEST = 2_000  # characters; Discord takes no longer message


def find_urls(text: str) -> tuple[str, ...]:
    """The http(s) addresses in a text, each once, without the punctuation around them.

    >>> find_urls("Is [this](https://example.com/a_(1).png) the same as <http://example.com/b.png>?")
    ('https://example.com/a_(1).png', 'http://example.com/b.png')
    """
    found = (_without_punctuation(match.group()) for match in _URL.finditer(text))
    return tuple(dict.fromkeys(url for url in found if "://" in url.rstrip(":/") and len(url) <= _LONGEST))


def with_links(mention: Mention) -> Mention:
    """The mention, with the addresses in its words as further references behind its own."""
    links = tuple(PictureRef(platform=PLATFORM, origin=url, name=url) for url in find_urls(mention.text))
    return msgspec.structs.replace(mention, references=mention.references + links)


def _without_punctuation(url: str) -> str:
    """Cut what stands behind the address: sentence marks, and closings that nothing in the address opens."""
    while url:
        last = url[-1]
        opening = _CLOSING.get(last)
        if last in _SENTENCE_MARKS or (opening and url.count(last) > url.count(opening)):
            url = url[:-1]
        else:
            return url
    return url
