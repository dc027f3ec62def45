"""What stands beside a forward, and for how long anybody knows."""

import itertools
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import discord
import pytest

from bot.frontends.discord import forwards
from bot.frontends.discord.forwards import Forwards

_numbers = itertools.count(1)
FORWARD = SimpleNamespace(type=discord.MessageReferenceType.forward)
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def message(*, after_s: float = 0.0, author: int = 1, forward: bool = False, bot: bool = False) -> Any:
    return SimpleNamespace(
        id=next(_numbers),
        channel=SimpleNamespace(id=1),
        author=SimpleNamespace(id=author, bot=bot),
        created_at=BEGIN + timedelta(seconds=after_s),
        reference=FORWARD if forward else None,
    )


def test_the_very_next_message_of_the_same_person_stands_beside_a_forward() -> None:
    known, forward, comment, later = Forwards(), message(forward=True), message(after_s=1), message(after_s=2)
    for one in (forward, comment, later):
        known.note(one)
    assert [known.before(one) for one in (forward, comment, later)] == [None, forward, None]


def test_a_bots_forwards_are_nobodys_to_ask_about() -> None:
    known = Forwards()
    known.note(message(forward=True, bot=True))
    assert not known._latest


def test_nothing_is_kept_of_a_forward_that_nobody_asks_about() -> None:
    # Of people who never spoke to the bot, and of channels where it has nothing to do.
    known = Forwards()
    known.note(message(forward=True))
    known.note(message(author=2, after_s=6))
    assert not known._latest
    known.note(message(forward=True, after_s=10))
    comment = message(after_s=11)
    known.note(comment)
    known.note(message(author=2, after_s=5000))
    assert known.before(comment) is None


def test_a_busy_server_fills_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forwards, "_REMEMBERED", 3)
    known = Forwards()
    for author in range(10):
        known.note(message(forward=True, author=author))
    assert len(known._latest) == 3
