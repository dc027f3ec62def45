"""One line of the doctor's report."""

import enum

import msgspec


class Level(enum.StrEnum):
    """How bad it is: a `fail` keeps something that was set up from working."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What was looked at, what was found, and what to do where that is not well."""

    subject: str
    level: Level
    found: str
    advice: str = ""


def well(subject: str, found: str) -> Finding:
    """Nothing to do."""
    return Finding(subject=subject, level=Level.OK, found=found)


def warn(subject: str, found: str, advice: str) -> Finding:
    """It works, but not as well as it could."""
    return Finding(subject=subject, level=Level.WARN, found=found, advice=advice)


def fail(subject: str, found: str, advice: str) -> Finding:
    """It does not work."""
    return Finding(subject=subject, level=Level.FAIL, found=found, advice=advice)
