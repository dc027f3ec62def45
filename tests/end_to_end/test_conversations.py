"""What people see, through the real queue, stores, worker and the built-in model: the answers mean something."""

import json
import shutil
from pathlib import Path

from tests.end_to_end.conftest import EXAMPLES, Install


async def test_a_chart_is_described_and_the_follow_up_remembers_it(install: Install) -> None:
    question = "Could you please introduce this chart to me?"
    assert await install.run("ask", "pictures/chart_exports5.png", question) == (
        0,
        'A bar chart titled "Exports" with four bars. The tallest is 2006.\n',
        "",
    )
    assert (await install.run("ask", "-f", "Which bar is the smallest?"))[1] == "The shortest bar is 2008.\n"


async def test_two_pictures_are_compared_and_each_is_remembered_by_its_number(install: Install) -> None:
    pair = ["pictures/compare_orange_blue1_a.png", "pictures/compare_orange_blue1_b.png"]
    assert (await install.run("compare", *pair))[1] == "The orange square is now blue.\n"
    assert (await install.run("ask", "-f", "In the second image, what color is the square?"))[1] == (
        "The square is blue.\n"
    )


async def test_the_answer_changes_when_the_picture_does(install: Install) -> None:
    question = "Help me get the title and author information of this book?"
    for cover, title, author in (("forest", "Secret Forest", "David Hill"), ("garden", "The Garden", "Emma Wood")):
        _, out, _ = await install.run("ask", f"pictures/cover_{cover}.png", question)
        assert out == f'The title of the book is "{title}" and the author is {author}.\n'


async def test_a_sign_is_read_and_json_tells_everything(install: Install) -> None:
    code, out, _ = await install.run("ocr", "--json", "pictures/sign_engineer.png")
    told = json.loads(out)
    assert (code, told["answer"]) == (0, 'The text says "ENGINEER".')
    assert [picture["number"] for picture in told["pictures"]] == [1]
    assert told["usage"]["new_tokens"] > 3


async def test_a_follow_up_costs_only_its_new_words(install: Install) -> None:
    await install.run("ask", "pictures/cover_moon.png", "Who wrote this book?")
    told = json.loads((await install.run("ask", "-f", "--json", "What color is the cover?"))[1])
    usage = told["usage"]
    assert told["answer"] == "The cover is red."
    assert usage["prompt_tokens"] - usage["cached_tokens"] < 25 < usage["cached_tokens"]


async def test_one_bad_file_does_not_lose_the_good_one(install: Install, tmp_path: Path) -> None:
    text = tmp_path / "notes.png"
    text.write_text("not a picture at all")
    cover = tmp_path / "cover.png"
    shutil.copy(EXAMPLES / "pictures/cover_moon.png", cover)
    code, out, err = await install.run("ask", str(text), str(cover), "Who wrote this book?")
    assert (code, out) == (0, "The author is Jonas Berg.\n")
    assert "notes.png skipped" in err


async def test_a_path_that_leads_nowhere_is_said_at_once(install: Install) -> None:
    code, out, err = await install.run("ask", "pictures/no_such.png", "Who wrote this book?")
    assert (code, out) == (66, "")
    assert "no_such.png" in err
    assert not (install.home / "worker").exists(), "nothing was started for it"


async def test_a_file_that_is_no_picture_is_refused_in_plain_words(install: Install, tmp_path: Path) -> None:
    text = tmp_path / "notes.png"
    text.write_text("not a picture at all")
    code, out, err = await install.run("ocr", str(text))
    assert (code, out) == (65, "")
    assert "notes.png skipped" in err
