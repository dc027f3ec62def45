from pathlib import Path

import pytest

from threadsight.doctor.examination import examine
from threadsight.doctor.finding import Level


def test_a_misspelt_setting_is_told_and_the_rest_is_examined_all_the_same(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("THREADSIGHT_HOME", str(home))
    monkeypatch.setenv("BOT_MAX_PICTURE", "3")
    monkeypatch.setenv("WORKER_TOP_P", "7")
    findings = list(examine())
    wrong = [finding.found for finding in findings if finding.level is Level.FAIL]
    assert len(wrong) == 2
    assert wrong[0].startswith("WORKER_TOP_P: ")
    assert wrong[1].startswith("BOT_MAX_PICTURE is not a setting (did you mean BOT_MAX_PICTURE")
    assert {"Embedded Valkey", "Pictures", "Disk"} <= {finding.subject for finding in findings}


def test_settings_that_cannot_be_read_are_the_first_thing_to_mend(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("DISCORD_TOKEN=id.time.signature\n", encoding="utf-16")
    (finding,) = examine()
    assert (finding.subject, finding.level) == ("Settings", Level.FAIL)
    assert finding.found == f"The settings in {tmp_path / '.env'} cannot be read (line 1 is not UTF-8)."


def test_an_address_that_is_none_is_told_without_its_password(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("THREADSIGHT_HOME", str(home))
    monkeypatch.setenv("REDIS_URL", "redis://:hunter2#x@host:6379/0")
    findings = list(examine())
    assert [finding.found[:10] for finding in findings if finding.level is Level.FAIL] == ["REDIS_URL:"]
    assert "hunter2" not in str(findings)
