import os
import re
from pathlib import Path

import pytest

from bot.errors import NoSuchFile
from threadsight.errors import NoPictures
from threadsight.words import check_pictures, check_subject, read_words

DOTTED = ("Node.js", "example.com", "example.jp", "ASP.NET", "Vue.js?", "U.S", "and/or", "main.rs", "sales.csv")


@pytest.fixture
def chart(tmp_path: Path) -> str:
    path = tmp_path / "chart.png"
    path.write_bytes(b"")
    return str(path)


def test_the_last_word_is_the_question(chart: str) -> None:
    assert read_words([chart, "-", "https://example.org/a.png", "What is this?"]) == (
        (chart, "-", "https://example.org/a.png"),
        "What is this?",
    )


def test_pipes_and_standard_input_by_its_path_are_pictures(tmp_path: Path) -> None:
    os.mkfifo(pipe := tmp_path / "camera")
    assert read_words([str(pipe), "/dev/stdin", "What is this?"]) == ((str(pipe), "/dev/stdin"), "What is this?")


def test_pictures_without_a_question_are_all_pictures(chart: str) -> None:
    assert read_words([chart, chart]) == ((chart, chart), "")


def test_a_question_may_come_alone() -> None:
    assert read_words(["And the second bar?"]) == ((), "And the second bar?")


@pytest.mark.parametrize(
    "question", ["What is on the table? " * 20, "~20 people, or more?", "http://[is this an address?", "Is it 0\0?"]
)
def test_a_question_is_one_although_it_cannot_be_a_path(chart: str, question: str) -> None:
    assert read_words([chart, question]) == ((chart,), question)


def test_a_path_that_leads_nowhere_is_named(chart: str) -> None:
    with pytest.raises(NoSuchFile, match=r"There is no file cover\.png\."):
        read_words(["cover.png", chart, "What is this?"])
    with pytest.raises(NoSuchFile, match=r"There is no file cover\.png\."):
        check_pictures([chart, "cover.png"])


@pytest.mark.parametrize(
    "path",
    [
        *("charts/sales.png", "~/sales.pgn", "notes.pdf", "sales.pgn", "sales.jgp", "sales.jpge", "sales.JPEG"),
        *("sales.tifff", "sales.wep", "sales.ong", "charts/sales.dat", "C:\\charts.v2"),
    ],
)
def test_a_last_path_that_leads_nowhere_is_not_taken_for_a_question(chart: str, path: str) -> None:
    with pytest.raises(NoSuchFile, match=re.escape(path)):
        read_words([path])
    with pytest.raises(NoSuchFile, match=re.escape(path)):
        read_words([chart, path])


@pytest.mark.parametrize(
    "question", ["Author?", "Price.", "3.5?", "U.S.A?", "Is it sales.png?", "Really...", ".png or .jpg", *DOTTED]
)
def test_a_question_is_not_taken_for_a_path(chart: str, question: str) -> None:
    assert read_words([chart, question]) == ((chart,), question)


def test_a_question_about_nothing_is_asked_which_picture() -> None:
    with pytest.raises(NoPictures):
        check_subject(())


def test_a_question_about_a_picture_is_well() -> None:
    check_subject(("-",))
