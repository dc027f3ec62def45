"""The doctor's report: a line for every finding as soon as it is known, or JSON at the end."""

from collections.abc import Iterable

import msgspec
from rich.console import Console
from rich.text import Text

from threadsight.doctor.finding import Finding, Level
from threadsight.exit_code import ExitCode

STYLES = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "red"}
SUBJECT_WIDTH = 16


def report(findings: Iterable[Finding], *, as_json: bool) -> ExitCode:
    """Print them; `NOT_ANSWERED` when anything fails."""
    console = Console()
    told = []
    for finding in findings:
        told.append(finding)
        if not as_json:
            console.print(describe(finding), soft_wrap=True)
    if as_json:
        console.out(msgspec.json.encode({"findings": told}).decode(), highlight=False)
    is_well = all(finding.level is not Level.FAIL for finding in told)
    return ExitCode.ANSWERED if is_well else ExitCode.NOT_ANSWERED


def describe(finding: Finding) -> Text:
    """One line, and a second one with the advice."""
    line = Text.assemble(
        (f"{finding.level:<5}", STYLES[finding.level]), f"{finding.subject:<{SUBJECT_WIDTH}} ", finding.found
    )
    if finding.advice:
        line.append(f"\n{'':5}{'':{SUBJECT_WIDTH}} {finding.advice}", style="dim")
    return line
