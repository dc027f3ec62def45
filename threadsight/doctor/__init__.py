"""What is wrong with this install, and what to do about it."""

from threadsight.doctor.finding import Finding, Level
from threadsight.doctor.report import report

__all__ = ["Finding", "Level", "report"]
