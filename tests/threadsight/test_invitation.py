from pathlib import Path

import pytest

from threadsight.invitation import ApplicationUnknown, invite_to_discord


def test_the_link_is_made_for_the_application_that_is_named() -> None:
    assert invite_to_discord("42").startswith("https://discord.com/oauth2/authorize?client_id=42&")


def test_without_an_application_and_a_token_it_says_what_to_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DISCORD_TOKEN", raising=False)
    with pytest.raises(ApplicationUnknown, match="Set DISCORD_TOKEN"):
        invite_to_discord("")
