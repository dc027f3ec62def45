"""What is wrong with this install, and what to do about it."""

from threadsight.doctor.examination import examine
from threadsight.doctor.finding import Finding, Level

__all__ = ["Finding", "Level", "examine"]
