import json

import pytest

from threadsight.doctor.finding import Finding, fail, warn, well
from threadsight.doctor.report import report

DISK = warn("Disk", "2.0 GB free", "make room")


@pytest.mark.parametrize(
    ("findings", "code"),
    [
        ([well("Torch", "2.13"), DISK], 0),
        ([fail("Redis", "cannot be reached", "start it"), DISK], 1),
    ],
)
@pytest.mark.parametrize("as_json", [True, False])
def test_only_a_failure_fails_the_command(findings: list[Finding], code: int, *, as_json: bool) -> None:
    assert report(findings, as_json=as_json) == code


def test_each_finding_is_a_line_and_its_advice_another(capsys: pytest.CaptureFixture[str]) -> None:
    report([well("Torch", "2.13"), DISK], as_json=False)
    assert capsys.readouterr().out.splitlines() == [
        "ok   Torch            2.13",
        "warn Disk             2.0 GB free",
        "                      make room",
    ]


def test_programs_get_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    report([DISK], as_json=True)
    expected = {"subject": "Disk", "level": "warn", "found": "2.0 GB free", "advice": "make room"}
    assert json.loads(capsys.readouterr().out) == {"findings": [expected]}
