from bot.frontends.discord.layout import code_block, lay_out, name_pictures, title_for
from jobs import JobKind, Picture, PictureRef


def picture(number: int, name: str) -> Picture:
    return Picture(
        digest=str(number), width=1, height=1, number=number, ref=PictureRef(platform="d", origin="o", name=name)
    )


def test_tables_become_even_columns() -> None:
    (part,) = lay_out(JobKind.ASK, "Both:\n| | Image 1 | Image 2 |\n|---|:-:|--:|\n| sky | blue | grey |\n\nEnd.")
    assert part == (
        "Both:\n```\n        Image 1  Image 2\n──────  ───────  ───────\nsky     blue     grey\n```\n\nEnd."
    )


def test_a_wide_table_is_wrapped_within_its_columns() -> None:
    long = "a sentence that is much too long for one line of a code block on a phone"
    (part,) = lay_out(JobKind.ASK, f"| a | b |\n|---|---|\n| {long} | {long} |")
    assert max(len(line) for line in part.splitlines()) <= 64
    assert "".join(part.split()).count("phone") == 2


def test_read_text_with_a_table_is_a_table_and_no_block_in_a_block() -> None:
    (part,) = lay_out(JobKind.OCR, "Prices\n| a | b |\n|---|---|\n| 1 | 2 |")
    assert part.count("```") == 2
    assert part.startswith("Prices\n```")


def test_a_code_block_cannot_be_closed_from_inside() -> None:
    assert code_block("a\n```\nb").count("```") == 2


def test_small_print_is_the_end_of_the_last_part() -> None:
    parts = lay_out(JobKind.ASK, "word " * 500, small_print=["One.", "Two."])
    assert len(parts) == 2
    assert parts[-1].endswith("\n-# One.\n-# Two.")
    assert all(len(part) <= 2_000 for part in parts)


def test_small_print_is_no_code_where_a_block_was_left_open() -> None:
    (part,) = lay_out(JobKind.ASK, "Here:\n```py\nx = 1", small_print=["Stopped."])
    assert part == "Here:\n```py\nx = 1\n```\n-# Stopped."


def test_small_print_that_does_not_fit_is_a_part_of_its_own() -> None:
    parts = lay_out(JobKind.ASK, "w" * 1_840, small_print=["Stopped."])
    assert parts == ["w" * 1_840, "-# Stopped."]


def test_names_of_files_are_shown_as_they_are() -> None:
    assert name_pictures([picture(1, "a_b*.png"), picture(2, "c.png")]) == r"Picture 1: a\_b\*.png · Picture 2: c.png"


def test_a_thread_is_named_after_the_question() -> None:
    assert title_for("what  is\nthis?") == "what is this?"
    assert title_for("") == "Pictures"
    assert len(title_for("word " * 100)) <= 80
    assert title_for("word " * 100) == "word " * 15 + "..."
    assert title_for("w" * 300) == "w" * 76 + " ..."
