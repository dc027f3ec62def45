"""How an answer reads on Discord: its parts of at most 2,000 characters, tables, code blocks, small print.

Discord draws no tables, so they become blocks of even columns. The lines in small print come after the answer.
"""

import textwrap
from collections.abc import Sequence

import discord

from bot.splitting import split
from bot.tables import Table, find_tables, list_differences, numbers_compared
from jobs import Conversation, Job, JobKind, Picture

MOST_CHARACTERS = 2_000  # Discord: of one message
MOST_PARTS = 2  # messages for one answer; a longer one becomes a file with an excerpt
MOST_IN_PARTS = MOST_PARTS * 1_750  # characters; the rest is for code blocks closed and opened again

_LEFT_FOR_REASONS = 150  # characters: a part may have to say why it stands where it does
_TABLE_WIDTH = 64  # characters; a phone held sideways shows that many in a code block
_NARROWEST = 6


def lay_out(kind: JobKind, text: str, *, small_print: Sequence[str] = ()) -> list[str]:
    """The messages that say `text`, with the small print at the end, outside of any code block that was left open."""
    longest = MOST_CHARACTERS - _LEFT_FOR_REASONS
    parts = split(_body(kind, text), longest)
    lines = "\n".join(f"-# {line}" for line in small_print)
    if parts and lines and len(parts[-1]) + 1 + len(lines) <= longest:
        return [*parts[:-1], f"{parts[-1]}\n{lines}"]
    return [*parts, *split(lines, longest)]


def word(job: Job, text: str, conversation: Conversation) -> tuple[str, list[str]]:
    """An answer's words, of a comparison as a table, and for the small print which pictures came with its question."""
    brought = [picture for turn in conversation.turns if turn.source == job.source for picture in turn.pictures]
    if job.kind is JobKind.COMPARE:
        text = list_differences(text, numbers_compared(job, conversation))
    return text, [name_pictures(brought)] if brought and len(conversation.pictures) > 1 else []


def name_pictures(pictures: Sequence[Picture]) -> str:
    """`Picture 1: cat.png · Picture 2: dog.png`."""
    return " · ".join(f"Picture {picture.number}: {plain(picture.name)}" for picture in pictures)


def plain(words: str) -> str:
    """Words of others, shown as they are."""
    return discord.utils.escape_markdown(words.replace("\n", " "))


def title_for(text: str, *, longest: int = 80) -> str:
    """A thread's name: the first words of the question, or the beginning of a first word that is too long."""
    words = " ".join(text.split())
    if len(words) <= longest:
        return words or "Pictures"
    return f"{words[: longest - 4].rsplit(' ', 1)[0]} ..."


def _body(kind: JobKind, text: str) -> str:
    stripped = text.strip()
    pieces = [_draw(piece) if isinstance(piece, Table) else piece for piece in find_tables(stripped)]
    if kind is JobKind.OCR and len(pieces) == 1 and pieces[0] == stripped:
        return code_block(stripped)
    return "\n".join(pieces)


def code_block(text: str) -> str:
    """The text to be copied as it is."""
    inner = text.replace("```", "`\u200b`\u200b`")  # Discord has one kind of fence
    return f"```\n{inner}\n```"


def _draw(table: Table) -> str:
    """Even columns; a cell that is too wide goes on in the next line."""
    widths = _widths(table)
    lines: list[str] = []
    for number, row in enumerate(table.rows):
        cells = [textwrap.wrap(cell, width) or [""] for cell, width in zip(row, widths, strict=True)]
        for line in range(max(map(len, cells))):
            words = [
                (cell[line] if line < len(cell) else "").ljust(width) for cell, width in zip(cells, widths, strict=True)
            ]
            lines.append("  ".join(words).rstrip())
        if number == 0:
            lines.append("  ".join("─" * width for width in widths))
    return code_block("\n".join(lines))


def _widths(table: Table) -> list[int]:
    """Of each column: as wide as its widest cell, the widest ones reduced until the table fits."""
    widths = [max(_NARROWEST, *map(len, column)) for column in zip(*table.rows, strict=True)]
    while sum(widths) + 2 * (len(widths) - 1) > _TABLE_WIDTH and max(widths) > _NARROWEST:
        widths[widths.index(max(widths))] -= 1
    return widths
