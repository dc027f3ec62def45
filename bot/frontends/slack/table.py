"""Markdown tables in an answer, as Slack's own table block, which every client shows in columns.

https://docs.slack.dev/reference/block-kit/blocks/table-block: 100 rows, 20 columns, one table a message.
"""

import re
from collections.abc import Iterator

import msgspec

_MOST_ROWS, _MOST_COLUMNS = 100, 20
_RULE = re.compile(r" *\|?( *:?-+:? *\|)+( *:?-+:? *)?")
_FENCE = re.compile(r" {0,3}(```|~~~)")


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of cells, the head first; every row has as many cells as the head."""

    rows: tuple[tuple[str, ...], ...]

    @property
    def fits(self) -> bool:
        """Slack takes it."""
        return len(self.rows) <= _MOST_ROWS and len(self.rows[0]) <= _MOST_COLUMNS

    def as_block(self) -> dict[str, object]:
        """As a block of a message; a cell may not be empty."""
        return {
            "type": "table",
            "column_settings": [{"is_wrapped": True} for _ in self.rows[0]],
            "rows": [[{"type": "raw_text", "text": cell.strip("*`") or " "} for cell in row] for row in self.rows],
        }

    def as_markdown(self) -> str:
        """As it was written."""
        head, *body = (f"| {' | '.join(row)} |" for row in self.rows)
        return "\n".join((head, "|---" * len(self.rows[0]) + "|", *body))


def cut_at_tables(markdown: str) -> Iterator[str | Table]:
    r"""Text and tables in their order; code blocks are left alone.

    >>> list(cut_at_tables("Seen:\n| a | b |\n|---|---|\n| 1 |\nso."))
    ['Seen:', Table(rows=(('a', 'b'), ('1', ''))), 'so.']
    """
    lines = markdown.split("\n")
    text: list[str] = []
    in_code = False
    at = 0
    while at < len(lines):
        in_code ^= _FENCE.match(lines[at]) is not None
        head = _cells(lines[at])
        if in_code or len(head) == 1 or at + 1 == len(lines) or not _RULE.fullmatch(lines[at + 1].rstrip()):
            text.append(lines[at])
            at += 1
            continue
        end = next((row for row in range(at + 2, len(lines)) if "|" not in lines[row]), len(lines))
        if text:
            yield "\n".join(text)
        text = []
        body = ((*_cells(row), *[""] * len(head))[: len(head)] for row in lines[at + 2 : end])
        yield Table(rows=(head, *body))
        at = end
    if text:
        yield "\n".join(text)


def _cells(line: str) -> tuple[str, ...]:
    row = line.strip().removeprefix("|").removesuffix("|")
    return tuple(cell.strip() for cell in row.split("|"))
