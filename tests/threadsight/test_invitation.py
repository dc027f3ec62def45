from pathlib import Path

import pytest

from threadsight.errors import ApplicationIdWrong, ApplicationUnknown
from threadsight.invitation import invite_to_discord


def test_the_link_is_made_for_the_application_that_is_named() -> None:
    assert invite_to_discord("42").startswith("https://discord.com/oauth2/authorize?client_id=42&")


def test_without_an_application_and_a_token_it_says_what_to_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DISCORD_TOKEN", raising=False)
    with pytest.raises(ApplicationUnknown, match="Set DISCORD_TOKEN"):
        invite_to_discord("")


@pytest.mark.parametrize("slip", ["foo", "MTIz.GhYz.c2VjcmV0", "12 34"])
def test_what_is_no_id_is_refused_and_not_repeated(slip: str) -> None:
    with pytest.raises(ApplicationIdWrong) as refused:
        invite_to_discord(slip)
    assert slip not in refused.value.sentence
