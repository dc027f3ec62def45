from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from threadsight.doctor.finding import Finding, Level
from threadsight.doctor.store import examine_redis, examine_store
from threadsight.valkey import EmbeddedValkey, open_valkey


@pytest.fixture
def valkey(home: Path) -> Iterator[EmbeddedValkey]:
    with open_valkey(home) as valkey:
        yield valkey


def bad(findings: Iterator[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.level is not Level.OK]


def test_the_embedded_valkey_has_nothing_wrong_with_it(home: Path) -> None:
    assert bad(examine_store(None, home)) == []


@pytest.mark.parametrize(
    ("name", "value", "level", "advice"),
    [
        ("appendonly", "no", Level.FAIL, "set appendonly yes"),
        ("appendfsync", "everysec", Level.WARN, "set appendfsync always"),
        ("maxmemory-policy", "allkeys-lru", Level.FAIL, "set maxmemory-policy noeviction"),
    ],
)
def test_a_setting_that_can_lose_questions_is_told_with_its_cure(
    valkey: EmbeddedValkey, name: str, value: str, level: Level, advice: str
) -> None:
    redis.Redis.from_url(valkey.url).config_set(name, value)
    (finding,) = bad(examine_redis(valkey.url, name="Redis"))
    assert (finding.level, finding.advice) == (level, advice)
    assert value in finding.found


def test_a_server_that_hides_its_settings_is_a_warning(valkey: EmbeddedValkey) -> None:
    redis.Redis.from_url(valkey.url).acl_setuser(
        "guest", enabled=True, nopass=True, keys=["*"], commands=["+@all", "-config"]
    )
    (finding,) = bad(examine_redis(f"unix://guest:any@{valkey.socket}", name="Redis"))
    assert (finding.level, finding.found) == (Level.WARN, "its settings are hidden")


def test_a_server_that_is_away_fails_without_telling_the_password(home: Path) -> None:
    (finding,) = examine_store("redis://:hush@127.0.0.1:9/0", home)
    assert finding.level is Level.FAIL
    assert "Connection refused" in finding.found
    assert "hush" not in finding.found


def test_an_address_that_is_none_fails(home: Path) -> None:
    (finding,) = examine_store("localhost:6379", home)
    assert finding.level is Level.FAIL
    assert finding.advice == "write it like redis://:password@host:6379/0"


def test_an_address_that_ends_in_its_password_fails_without_telling_it(home: Path) -> None:
    (finding,) = examine_store("redis://:hunter2#x@host:6379/0", home)
    assert finding.level is Level.FAIL
    assert "hunter2" not in finding.found + finding.advice
