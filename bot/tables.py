"""Tables in an answer: found as Markdown, so that each platform can show them in its own way."""

import re
from collections.abc import Iterator, Sequence

import msgspec

from jobs import Conversation, Job

_FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})")
_RULE = re.compile(r"\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?")  # the line under a table's head
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=\S)")


class Table(msgspec.Struct, frozen=True):
    """Rows of cells, the head first; every row has as many cells as the head."""

    rows: tuple[tuple[str, ...], ...]

    def as_markdown(self) -> str:
        r"""As it is written.

        >>> Table((("a", "b"), ("1", ""))).as_markdown()
        '| a | b |\n| --- | --- |\n| 1 |  |'
        """
        head, *body = (f"| {' | '.join(row)} |" for row in self.rows)
        return "\n".join((head, f"|{' --- |' * len(self.rows[0])}", *body))


def find_tables(text: str) -> Iterator[str | Table]:
    r"""The text, in order: pieces without a table, and tables. Code blocks are left alone.

    >>> list(find_tables("Both:\n| | 1 | 2 |\n|-|-|-|\n| sky | blue |\nThat is all."))
    ['Both:', Table(rows=(('', '1', '2'), ('sky', 'blue', ''))), 'That is all.']
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
                rows.append((*_cells(lines[at]), *[""] * len(head))[: len(head)])
                at += 1
            yield Table(tuple(rows))
            continue
        plain.append(lines[at])
        at += 1
    if plain:
        yield "\n".join(plain)


def list_differences(text: str, numbers: Sequence[int]) -> str:
    """The answer to a comparison as a table that names the pictures; one that has a table already stays as it is.

    >>> print(list_differences("The square is now blue.", [1, 2]))
    | Pictures | Difference |
    | --- | --- |
    | 1, 2 | The square is now blue. |
    """
    if not text.strip() or len(numbers) < 2 or any(isinstance(piece, Table) for piece in find_tables(text)):  # noqa: PLR2004  two to compare
        return text
    named = ", ".join(map(str, numbers))
    sentences = [sentence.lstrip("-* ") for line in text.splitlines() for sentence in _SENTENCE_END.split(line.strip())]
    rows = tuple((named, sentence.replace("|", "/")) for sentence in sentences if sentence)
    return Table((("Pictures", "Difference"), *rows)).as_markdown()


def numbers_compared(job: Job, conversation: Conversation) -> list[int]:
    """Of a comparison: the pictures that were meant, where these are two or more; else all of the conversation.

    Its turn knows them best: a picture that came once more keeps the number that it had first.
    """
    turn = next((turn for turn in conversation.turns if turn.source == job.source), None)
    came = {picture.number for picture in (*turn.again, *turn.pictures)} if turn else set()
    origins = {ref.origin for ref in job.references}
    meant = {picture.number for picture in conversation.pictures if picture.ref.origin in origins}
    everything = {picture.number for picture in conversation.pictures}
    return sorted(next((numbers for numbers in (came, meant) if len(numbers) > 1), everything))


def _begins_table(lines: list[str], at: int) -> bool:
    if at + 1 >= len(lines) or "|" not in lines[at] or "-" not in lines[at + 1]:
        return False
    rule = lines[at + 1].strip()
    return _RULE.fullmatch(rule) is not None and len(_cells(rule)) == len(_cells(lines[at]))


def _cells(line: str) -> tuple[str, ...]:
    inner = line.strip().removeprefix("|").removesuffix("|")
    return tuple(cell.strip() for cell in inner.split("|"))
