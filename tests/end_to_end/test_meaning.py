"""The answers follow the pictures: each test fails if pictures are swapped, mixed up or forgotten on the way.

The pictures come in twos that differ in what is asked about, so that no answer is right for both.
"""

import shutil
from pathlib import Path

from tests.end_to_end.conftest import Install

DRAWN = Path(__file__).with_name("drawn")
WORD, RANDOM = str(DRAWN / "cover_personal.png"), str(DRAWN / "cover_random.png")  # a pink and a black cover
CHART, TURNED = str(DRAWN / "chart_a.png"), str(DRAWN / "chart_b.png")  # the same labels, the bars the other way round
RED, BLUE = str(DRAWN / "circle_red.png"), str(DRAWN / "circle_blue.png")  # all else is the same
READ = "Help me get the title and author information of this book?"


async def answer(install: Install, *words: str) -> str:
    code, out, err = await install.run("ask", *words)
    assert code == 0, err
    return out.removesuffix("\n")


async def test_the_title_that_was_drawn_is_named_and_another_when_the_picture_changes(
    install: Install, tmp_path: Path
) -> None:
    cover = tmp_path / "cover.png"  # the same name for both
    shutil.copy(WORD, cover)
    assert await answer(install, str(cover), READ) == 'The title of the book is "Personal" and the author is Theo Berg.'
    shutil.copy(RANDOM, cover)
    assert await answer(install, str(cover), READ) == 'The title of the book is "rquy" and the author is Boris Ivanov.'


async def test_the_larger_and_the_smaller_bar_are_named_by_what_stands_below_them(install: Install) -> None:
    assert await answer(install, CHART, "Which bar is the tallest?") == "The tallest bar is Wed."
    assert await answer(install, "-f", "Which bar is the smallest?") == "The shortest bar is Mon."
    assert await answer(install, TURNED, "Which bar is the tallest?") == "The tallest bar is Tue."
    assert await answer(install, "-f", "Which bar is the smallest?") == "The shortest bar is Thu."


async def test_what_is_different_is_told_from_the_first_picture_to_the_second(install: Install) -> None:
    question = "What is difference in this two images?"
    assert await answer(install, RED, BLUE, question) == "The red circle is now blue."
    assert await answer(install, BLUE, RED, question) == "The blue circle is now red."


async def test_two_files_of_the_same_bytes_are_compared(install: Install, tmp_path: Path) -> None:
    copy = str(shutil.copy(RED, tmp_path / "copy.png"))
    assert await answer(install, RED, copy, "Are the two pictures the same?") == "Yes, the pictures are the same."
    assert await answer(install, RED, BLUE, "Are the two pictures the same?") == "No, the pictures are different."


async def test_the_picture_that_differs_is_found_wherever_it_is(install: Install, tmp_path: Path) -> None:
    copy = str(shutil.copy(RED, tmp_path / "copy.png"))
    question = "Which image is different from the others?"
    assert await answer(install, RED, copy, BLUE, question) == "The third picture is different."
    assert await answer(install, BLUE, RED, copy, question) == "The first picture is different."


async def test_the_first_one_is_the_earlier_picture(install: Install) -> None:
    color = "What color is the cover?"
    assert await answer(install, WORD, color) == "The cover is pink."
    assert await answer(install, "-f", RANDOM, color) == "The cover is black."
    # Nobody has named the authors yet: they can only come from the pictures.
    assert await answer(install, "-f", "In the first image, who wrote this book?") == "The author is Theo Berg."
    assert await answer(install, "-f", "In the second image, who wrote this book?") == "The author is Boris Ivanov."


async def test_the_first_one_is_another_when_they_came_the_other_way_round(install: Install) -> None:
    color = "What color is the cover?"
    assert await answer(install, RANDOM, color) == "The cover is black."
    assert await answer(install, "-f", WORD, color) == "The cover is pink."
    assert await answer(install, "-f", "In the first image, who wrote this book?") == "The author is Boris Ivanov."
