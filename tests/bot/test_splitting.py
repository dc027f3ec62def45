import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.splitting import split

LIMITS = st.integers(min_value=80, max_value=400)
words = st.text(alphabet="abcdefgh", min_size=1, max_size=12)
prose = st.lists(words, min_size=1, max_size=60).map(" ".join)
code = st.tuples(st.sampled_from(["", "py", "a-rather-long-info-string-indeed"]), st.lists(prose, max_size=8)).map(
    lambda block: "\n".join((f"```{block[0]}", *block[1], "```"))
)
answers = st.lists(st.one_of(prose, code), min_size=1, max_size=8).map("\n".join)


def fences_in(part: str) -> int:
    return sum(line.startswith("```") for line in part.split("\n"))


def words_by_place(text: str) -> list[tuple[str, bool]]:
    """Every word with whether it stands in a code block; fence lines are left out."""
    inside, found = False, []
    for line in text.split("\n"):
        if line.startswith("```"):
            inside = not inside
        else:
            found += [(word, inside) for word in line.split()]
    return found


@given(answers, LIMITS)
def test_no_part_is_longer_than_the_limit(text: str, limit: int) -> None:
    assert all(len(part) <= limit for part in split(text, limit))


@given(answers, LIMITS)
def test_every_code_block_is_whole_in_its_part(text: str, limit: int) -> None:
    assert all(fences_in(part) % 2 == 0 for part in split(text, limit))


@given(answers, LIMITS)
def test_every_word_is_said_once_in_order_and_stays_in_or_out_of_code(text: str, limit: int) -> None:
    said = [place for part in split(text, limit) for place in words_by_place(part)]
    assert said == words_by_place(text)


@given(st.text(max_size=600), LIMITS)
def test_anything_at_all_is_split_within_the_limit(text: str, limit: int) -> None:
    assert all(0 < len(part) <= limit and part.strip() for part in split(text, limit))


@given(st.text(alphabet="a `~\n", max_size=600), LIMITS)
def test_odd_fences_lose_no_letter(text: str, limit: int) -> None:
    assert "".join(split(text, limit)).count("a") == text.count("a")


def test_a_short_text_is_one_part_as_it_is() -> None:
    assert split("Two dogs.\n\nOne sleeps.", limit=2000) == ["Two dogs.\n\nOne sleeps."]


def test_a_long_line_is_cut_after_a_sentence() -> None:
    first, second = split("The first sentence is here. " * 3 + "The last one is different.", limit=100)
    assert first.endswith("here. ")
    assert second == "The last one is different."


def test_a_reopened_block_keeps_its_language() -> None:
    text = "```python\n" + "\n".join(f"print({number})" for number in range(40)) + "\n```"
    parts = split(text, limit=120)
    assert len(parts) > 2
    assert all(part.startswith("```python\n") and part.endswith("\n```") for part in parts)


def test_a_block_opened_at_the_very_end_of_a_part_moves_to_the_next() -> None:
    parts = split("x" * 70 + "\n```py\nanswer = 42\n```", limit=80)
    assert parts == ["x" * 70, "```py\nanswer = 42\n```"]


def test_an_unclosed_block_is_closed() -> None:
    assert split("```\nnever closed", limit=100) == ["```\nnever closed\n```"]


def test_a_block_in_a_list_is_cut_open_no_more_than_others() -> None:
    text = "1. Step one:\n    ```py\n" + "    x = 1\n" * 20 + "    ```\n2. Step two."
    parts = split(text, limit=120)
    assert [part.count("```") for part in parts] == [2] * len(parts)
    assert parts[-1].endswith("```\n2. Step two.")


@pytest.mark.parametrize("text", ["", " \n\n "])
def test_nothing_is_no_part(text: str) -> None:
    assert split(text, limit=80) == []


def test_a_table_is_cut_between_rows() -> None:
    rows = [f"| {number} | some cell |" for number in range(30)]
    parts = split("\n".join(rows), limit=200)
    assert all(re.fullmatch(r"\| \d+ \| some cell \|", row) for part in parts for row in part.split("\n"))
