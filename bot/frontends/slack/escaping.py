"""Slack's text encoding: three characters are control characters, in every field that Slack renders."""

import re

from bot.naming import without_name

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_CONTROLS = {code: None for code in (*range(32), 127) if chr(code) not in "\n\t"}
_ALL_OF = ("here", "channel", "everyone", "subteam^")  # a user group is a subteam
_AS_TYPED = ("mailto:", "tel:")  # Slack makes links of addresses and numbers by itself
_TOKEN = re.compile(r"<(?P<sign>[@#!]?)(?P<target>[^<>|]*)(?:\|(?P<label>[^<>]*))?>")


def escape(text: str) -> str:
    """Text that says what it says and does nothing: it mentions nobody and links nowhere.

    >>> escape("a < b & <!channel>")
    'a &lt; b &amp; &lt;!channel&gt;'
    """
    return text.translate(_CONTROLS).translate(_ESCAPES)


def read_text(text: str, *, bot_user: str) -> str:
    """What a person wrote, in plain words: without the mention of the bot, with Slack's tokens spelt out.

    >>> read_text("<@B1> is 1 &lt; 2 on <https://a.test|this page>, <@U2> and <!subteam^S1|@designers>?", bot_user="B1")
    'is 1 < 2 on this page (https://a.test), @U2 and @designers?'
    >>> read_text("<mailto:ann@a.test|ann@a.test> or <tel:+15550|+1 555 0>?", bot_user="B1")
    'ann@a.test or +1 555 0?'
    """

    def spell(token: re.Match[str]) -> str:
        sign, target, label = token["sign"], token["target"], token["label"]
        if sign == "@" and target == bot_user:
            return ""
        if target.startswith(_AS_TYPED):
            return label or target.partition(":")[2]
        if not sign:
            return f"{label} ({target})" if label and label not in target else target
        return f"{'#' if sign == '#' else '@'}{(label or target).removeprefix('@')}"

    plain = _TOKEN.sub(spell, without_name(text, f"<@{bot_user}>"))
    plain = plain.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return re.sub(r"[ \t]{2,}", " ", plain).strip()


def mentions(text: str) -> tuple[str, ...]:
    """The users whom a message mentions, in its order."""
    return tuple(token["target"] for token in _TOKEN.finditer(text) if token["sign"] == "@")


def begins_with_name(text: str) -> bool:
    """Whether a message is addressed to somebody: a person, a group, or everybody.

    >>> begins_with_name("<!here> lunch?"), begins_with_name("<!subteam^S1|@designers> see?"), begins_with_name("so?")
    (True, True, False)
    """
    token = _TOKEN.match(text.lstrip())
    if token is None:
        return False
    return token["sign"] == "@" or (token["sign"] == "!" and token["target"].startswith(_ALL_OF))
