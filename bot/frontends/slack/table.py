"""A Markdown table as Slack's own table block, which every client shows in columns."""

import re

import msgspec

_MOST_ROWS, _MOST_COLUMNS = 100, 20  # https://docs.slack.dev/reference/block-kit/blocks/table-block
_RULE = re.compile(r"^ *\|?(?: *:?-+:? *\|)+(?: *:?-+:? *)?\|? *$")


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of cells, the head first; every row has as many cells as the head."""

    rows: tuple[tuple[str, ...], ...]

    def as_block(self) -> dict[str, object]:
        """As a block of a message."""
        return {
            "type": "table",
            "column_settings": [{"is_wrapped": True} for _ in self.rows[0]],
            "rows": [[{"type": "raw_text", "text": cell or " "} for cell in row] for row in self.rows],
        }


def find_table(markdown: str) -> tuple[str, Table, str] | None:
    """The first table with what stands before and after it; None where there is none, or none that Slack takes.

    >>> find_table("Seen:\\n| a | b |\\n|---|---|\\n| 1 | 2 |\\nso.")[1].rows
    (('a', 'b'), ('1', '2'))
    """
    lines = markdown.split("\n")
    in_code = False
    for number, line in enumerate(lines[:-1]):
        in_code ^= line.lstrip().startswith("```")
        if in_code or "|" not in line or not _RULE.match(lines[number + 1]):
            continue
        head = _cells(line)
        end = number + 2
        while end < len(lines) and "|" in lines[end]:
            end += 1
        body = [(*_cells(row), *[""] * len(head))[: len(head)] for row in lines[number + 2 : end]]
        if len(head) > _MOST_COLUMNS or len(body) >= _MOST_ROWS:
            return None
        return "\n".join(lines[:number]), Table(rows=(head, *body)), "\n".join(lines[end:])
    return None


def _cells(line: str) -> tuple[str, ...]:
    row = line.strip().removeprefix("|").removesuffix("|")
    return tuple(re.sub(r"[*`]", "", cell).strip() for cell in re.split(r"(?<!\\)\|", row))
