"""The bot's own name in what is said to it: how people call somebody is no part of what they ask."""

import re

_MARK = r"[,:;!\N{EN DASH}\N{EM DASH}-]"


def without_name(text: str, *names: str) -> str:
    """The words, without the names that the bot is called by and the mark that sets one off.

    >>> without_name("@me, what is this?", "@me"), without_name("What is this, @me?", "@me")
    ('what is this?', 'What is this?')
    """
    name = "|".join(map(re.escape, names))
    text = re.sub(rf"^(\s*({name}))+\s*{_MARK}(?!\S)", "", text)
    text = re.sub(rf",\s*({name})(?=\W*$)", "", text)
    return re.sub(name, "", text).strip()
