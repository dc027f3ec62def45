"""The manifest: YAML that Slack takes, a link that opens it, and nothing in it that the bot does not hear."""

import doctest
import json
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from typer.testing import CliRunner

from bot.frontends.slack import blocks, escaping, manifest, status, wish
from bot.frontends.slack.commands import COMMANDS, SHORTCUTS
from bot.frontends.slack.manifest import build_manifest, link_to_create, write_yaml
from tests.bot.frontends.slack.web_api import NEEDED
from threadsight.cli import app


@pytest.mark.parametrize("public_url", [None, "https://sight.example.com/"])
def test_the_yaml_says_what_the_manifest_says(public_url: str | None) -> None:
    built = build_manifest(name='Sight: "one"', public_url=public_url)
    assert yaml.safe_load(write_yaml(built)) == built


def test_the_link_carries_the_whole_manifest() -> None:
    built = build_manifest(name="Threadsight")
    link = urlsplit(link_to_create(built))
    assert (link.netloc, link.path) == ("api.slack.com", "/apps")
    assert json.loads(parse_qs(link.query)["manifest_json"][0]) == built


def test_socket_mode_needs_no_address_and_http_needs_one_everywhere() -> None:
    socket, http = build_manifest(name="A"), build_manifest(name="A", public_url="https://a.test")
    assert "request_url" not in write_yaml(socket)
    assert socket["settings"]["socket_mode_enabled"]
    assert write_yaml(http).count("https://a.test/slack/events") == 2 + len(COMMANDS)
    assert not http["settings"]["socket_mode_enabled"]


def test_every_command_and_shortcut_is_told_of_within_slack_s_limits() -> None:
    features = build_manifest(name="A")["features"]
    assert [command["command"] for command in features["slash_commands"]] == list(COMMANDS)
    assert [shortcut["callback_id"] for shortcut in features["shortcuts"]] == list(SHORTCUTS)
    assert all(len(shortcut["name"]) <= 24 for shortcut in features["shortcuts"])
    assert "assistant_view" not in features
    assert 174 <= len(build_manifest(name="A")["display_information"]["long_description"]) <= 4_000
    assert len(build_manifest(name="A")["display_information"]["description"]) <= 140


def test_the_scopes_are_those_that_the_methods_need() -> None:
    assert set(NEEDED.values()) <= set(manifest.SCOPES)


@pytest.mark.parametrize("module", [blocks, escaping, status, wish])
def test_the_examples_in_the_docstrings_hold(module: object) -> None:
    assert doctest.testmod(module).failed == 0  # type: ignore[arg-type]  # a module


def test_the_command_prints_yaml_with_the_link_above() -> None:
    printed = CliRunner().invoke(app, ["slack-manifest", "--name", "Sight"]).stdout
    assert yaml.safe_load(printed) == build_manifest(name="Sight")
    assert link_to_create(build_manifest(name="Sight")) in printed


def test_every_scope_is_explained() -> None:
    manual = (Path(__file__).parents[4] / "docs/slack.md").read_text()
    assert [scope for scope in manifest.SCOPES if f"`{scope}`" not in manual] == []
