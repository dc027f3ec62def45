"""Tables in an answer, found as Markdown, whatever the platform."""

import doctest
import time

import pytest

from bot import tables
from bot.tables import Table, find_tables, list_differences, numbers_compared
from jobs import Conversation, ConversationId, Job, JobKind, Picture, PictureRef, Turn

HERE = ConversationId(platform="test", tenant="t", channel="c")


def test_the_examples_in_the_docstrings_hold() -> None:
    result = doctest.testmod(tables)
    assert result.attempted > 2
    assert result.failed == 0


@pytest.mark.parametrize(
    "text",
    [
        "a | b\nno table",
        "```\n| a | b |\n|---|---|\n```",
        "````\n```\n| a | b |\n|---|---|\n````",
        "~~~\n```\n| a | b |\n|---|---|\n~~~",
        "| a | b |\n|---|",
        "| a | b |",
        "",
    ],
)
def test_pipes_and_fences_alone_are_not_tables(text: str) -> None:
    assert "".join(piece for piece in find_tables(text) if isinstance(piece, str)) == text


@pytest.mark.parametrize("written", ["|a|b|\n|-|-|", "a | b\n--- | ---", "  | a | b |  \n  |:-:|--:|  "])
def test_a_table_may_be_written_with_and_without_outer_pipes(written: str) -> None:
    assert list(find_tables(written)) == [Table((("a", "b"),))]


def test_rows_have_as_many_cells_as_the_head() -> None:
    (table,) = find_tables("| a | b |\n|---|---|\n| 1 |\n| 1 | 2 | 3 |")
    assert table == Table((("a", "b"), ("1", ""), ("1", "2")))


def test_a_table_reads_the_same_after_it_was_written() -> None:
    table = Table((("", "1", "2"), ("sky", "blue", "")))
    assert list(find_tables(table.as_markdown())) == [table]


def test_two_tables_and_the_words_between_keep_their_order() -> None:
    pieces = list(find_tables("x\n|a|b|\n|-|-|\n|1|2|\ny\n|c|d|\n|-|-|\nz"))
    assert pieces == ["x", Table((("a", "b"), ("1", "2"))), "y", Table((("c", "d"),)), "z"]


def test_a_line_that_is_almost_a_rule_costs_no_time() -> None:
    began = time.monotonic()
    list(find_tables("| a | b |\n" + " " * 20_000 + "-" * 20_000 + "x"))
    assert time.monotonic() - began < 1


@pytest.mark.parametrize("indent", ["", "    ", "\t"])
def test_a_table_in_a_code_block_is_code(indent: str) -> None:
    text = f"1. Write:\n{indent}```\n{indent}| a | b |\n{indent}|---|---|\n{indent}| 1 | 2 |\n{indent}```"
    assert list(find_tables(text)) == [text]


def test_a_comparison_with_a_table_stays_as_it_is() -> None:
    text = "| | 1 | 2 |\n|---|---|---|\n| a | b | c |"
    assert list_differences(text, [1, 2]) == text


def test_of_one_picture_there_are_no_differences() -> None:
    assert list_differences("It is red.", [1]) == "It is red."


def test_each_sentence_of_a_comparison_is_a_row() -> None:
    rows = list_differences("It is red. It | was blue.\n- It is larger.", [2, 3]).splitlines()[2:]
    assert rows == ["| 2, 3 | It is red. |", "| 2, 3 | It / was blue. |", "| 2, 3 | It is larger. |"]


def seen(number: int) -> Picture:
    ref = PictureRef(platform="test", origin=f"m/{number}")
    return Picture(digest=str(number), width=1, height=1, number=number, ref=ref)


def comparison(*references: PictureRef) -> Job:
    return Job(conversation=HERE, source="m", kind=JobKind.COMPARE, references=references)


def asked(source: str, *, pictures: tuple[Picture, ...] = (), again: tuple[Picture, ...] = ()) -> Turn:
    return Turn(source=source, kind="compare", question="", pictures=pictures, again=again)


@pytest.mark.parametrize(("meant", "numbers"), [((2, 3), [2, 3]), ((2,), [1, 2, 3]), ((), [1, 2, 3])])
def test_a_comparison_names_the_pictures_that_were_meant(meant: tuple[int, ...], numbers: list[int]) -> None:
    pictures = tuple(seen(number) for number in (1, 2, 3))
    job = comparison(*(pictures[number - 1].ref for number in meant))
    assert numbers_compared(job, Conversation(id=HERE, turns=(asked("before", pictures=pictures),))) == numbers


@pytest.mark.parametrize(
    ("again", "brought", "numbers"),
    [((1,), (4,), [1, 4]), ((3, 1), (), [1, 3]), ((2, 2), (4,), [2, 4]), ((2,), (), [1, 2, 3]), ((), (), [1, 2, 3])],
)
def test_a_comparison_names_the_pictures_that_came_once_more(
    again: tuple[int, ...], brought: tuple[int, ...], numbers: list[int]
) -> None:
    before = asked("before", pictures=tuple(seen(number) for number in (1, 2, 3)))
    turn = asked("m", again=tuple(map(seen, again)), pictures=tuple(map(seen, brought)))
    uploads = (PictureRef(platform="test", origin=f"m/again/{number}") for number in (*again, *brought))
    assert numbers_compared(comparison(*uploads), Conversation(id=HERE, turns=(before, turn))) == numbers
