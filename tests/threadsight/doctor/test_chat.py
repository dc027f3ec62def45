import sys
from pathlib import Path

import pytest

from threadsight.doctor.chat import examine_pictures, examine_tokens
from threadsight.doctor.finding import Level

TOKENS = ("DISCORD_TOKEN", "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN")


@pytest.fixture(autouse=True)
def _no_tokens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in TOKENS:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, {"Chat": Level.WARN}),
        ({"DISCORD_TOKEN": "id.time.signature"}, {"Discord": Level.OK}),
        ({"DISCORD_TOKEN": "a client secret"}, {"Discord": Level.FAIL}),
        ({"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1"}, {"Slack": Level.OK}),
        ({"SLACK_BOT_TOKEN": "xoxb-1"}, {"Slack": Level.FAIL}),
        (
            {"SLACK_BOT_TOKEN": "xoxb-1", "BOT_SLACK_HTTP_PORT": "3000", "SLACK_SIGNING_SECRET": "s"},
            {"Slack": Level.OK},
        ),
        ({"SLACK_BOT_TOKEN": "xoxb-1", "BOT_SLACK_HTTP_PORT": "3000"}, {"Slack": Level.FAIL}),
        ({"SLACK_CLIENT_ID": "1", "SLACK_CLIENT_SECRET": "s", "SLACK_APP_TOKEN": "xapp-1"}, {"Slack": Level.FAIL}),
        ({"SLACK_BOT_TOKEN": "xapp-1", "SLACK_APP_TOKEN": "xoxb-1"}, {"Slack": Level.FAIL}),
        ({"DISCORD_TOKEN": "", "SLACK_BOT_TOKEN": ""}, {"Chat": Level.WARN}),
    ],
)
def test_tokens_are_looked_at_wherever_they_are_set(settings: dict[str, str], expected: dict[str, Level]) -> None:
    Path(".env").write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    assert {finding.subject: finding.level for finding in examine_tokens()} == expected


def test_no_token_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in TOKENS:
        monkeypatch.setenv(name, "hush")
    findings = list(examine_tokens())
    assert len(findings) == 2
    assert not [finding for finding in findings if "hush" in finding.found + finding.advice]


def test_all_formats_can_be_read_here() -> None:
    assert [finding.level for finding in examine_pictures()] == [Level.OK]


def test_a_format_whose_library_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "pillow_heif" else sys)
    (finding,) = examine_pictures()
    assert (finding.level, finding.found) == (Level.WARN, "HEIC cannot be read")
