"""How things stand with a question, in a line: nobody is left wondering."""

from jobs import Position

NO_WORKER = "No worker is running right now. The question waits for one ..."

_MINUTE_S = 60
_STEP_S = 5


def words_for(position: Position | None) -> str:
    """Where a question stands; None is one that a worker has.

    >>> words_for(Position(ahead=1, wait_s=18.2))
    '2nd in line, about 20 s'
    >>> words_for(Position(ahead=0))
    'Next in line'
    >>> words_for(None)
    'Looking ...'
    """
    if position is None:
        return "Looking ..."
    place = "Next in line" if position.ahead == 0 else f"{_ordinal(position.ahead + 1)} in line"
    return place if position.wait_s is None else f"{place}, about {_rounded(position.wait_s)}"


def _ordinal(number: int) -> str:
    teens = number % 100 in {11, 12, 13}
    suffix = "th" if teens else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{suffix}"


def _rounded(seconds: float) -> str:
    """In steps that people think in, so that the line is not edited every second."""
    if seconds > _MINUTE_S:
        return f"{round(seconds / _MINUTE_S)} min"
    return f"{max(_STEP_S, _STEP_S * round(seconds / _STEP_S))} s"
