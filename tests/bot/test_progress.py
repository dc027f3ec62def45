import pytest

from bot.progress import words_for
from jobs import Position


@pytest.mark.parametrize(
    ("ahead", "wait_s", "words"),
    [
        (0, None, "Next in line"),
        (0, 3.0, "Next in line, about 5 s"),
        (1, 20.0, "2nd in line, about 20 s"),
        (2, 58.0, "3rd in line, about 60 s"),
        (3, 100.0, "4th in line, about 2 min"),
        (10, None, "11th in line"),
        (11, None, "12th in line"),
        (20, None, "21st in line"),
        (111, 3000.0, "112th in line, about 50 min"),
    ],
)
def test_a_place_in_the_line_reads_like_speech(ahead: int, wait_s: float | None, words: str) -> None:
    assert words_for(Position(ahead=ahead, wait_s=wait_s)) == words


def test_a_question_that_a_worker_has_is_looked_at() -> None:
    assert words_for(None) == "Looking ..."
