"""Tables in an answer: found as Markdown, so that a platform that draws none can be given something else."""

import re
from collections.abc import Iterator

import msgspec

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_RULE = re.compile(r"\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*")  # the line under a table's head


class Table(msgspec.Struct, frozen=True):
    """Rows of cells, the head first; every row has as many cells as the head."""

    rows: tuple[tuple[str, ...], ...]


def find_tables(text: str) -> Iterator[str | Table]:
    r"""The text, in order: pieces without a table, and tables. Code blocks are left alone.

    >>> list(find_tables("Both:\n| | 1 | 2 |\n|-|-|-|\n| sky | blue | red |\nThat is all."))
    ['Both:', Table((('', '1', '2'), ('sky', 'blue', 'red'))), 'That is all.']
    """
    lines = text.split("\n")
    plain: list[str] = []
    fence = ""
    at = 0
    while at < len(lines):
        found = _FENCE.match(lines[at])
        if found is not None and (not fence or found[1].startswith(fence)):
            fence = "" if fence else found[1]
        if not fence and _begins_table(lines, at):
            if plain:
                yield "\n".join(plain)
            plain = []
            head = _cells(lines[at])
            at += 2
            rows = [head]
            while at < len(lines) and "|" in lines[at]:
                cells = _cells(lines[at])
                rows.append((*cells, *[""] * len(head))[: len(head)])
                at += 1
            yield Table(tuple(rows))
            continue
        plain.append(lines[at])
        at += 1
    if plain:
        yield "\n".join(plain)


def _begins_table(lines: list[str], at: int) -> bool:
    if at + 1 >= len(lines) or "|" not in lines[at] or "-" not in lines[at + 1]:
        return False
    return _RULE.fullmatch(lines[at + 1]) is not None and len(_cells(lines[at + 1])) == len(_cells(lines[at]))


def _cells(line: str) -> tuple[str, ...]:
    inner = line.strip().removeprefix("|").removesuffix("|")
    return tuple(cell.strip() for cell in inner.split("|"))
