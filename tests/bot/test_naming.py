"""What is said to the bot is read without its name."""

import doctest

import pytest

import bot.naming
from bot.naming import without_name


def test_the_examples_in_the_docstring_hold() -> None:
    assert doctest.testmod(bot.naming).failed == 0


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("<@1> what is this?", "what is this?"),
        ("<@1>, what is this?", "what is this?"),
        ("<@1>: ocr", "ocr"),
        ("<@!1> - help", "help"),
        ("<@1> \N{EN DASH} help", "help"),
        ("<@1>\nwhat is this?", "what is this?"),
        ("Stop listening, <@1>!", "Stop listening!"),
        ("what is this, <@1>", "what is this"),
        ("<@1>, <@1>", ""),
        ("<@1>,", ""),
        ("is this <@1> or not?", "is this  or not?"),
        ("<@1> -5 or +5?", "-5 or +5?"),
        ("<@1> :wave: hello", ":wave: hello"),
        ("<@1> .env or not?", ".env or not?"),
        ("red, <@1>, or blue?", "red, , or blue?"),
    ],
)
def test_the_name_goes_with_the_mark_that_sets_it_off(said: str, meant: str) -> None:
    assert without_name(said, "<@1>", "<@!1>") == meant
