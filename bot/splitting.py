"""Long answers in parts that a platform takes, each of them whole Markdown: no code block is cut open."""

import re
from collections.abc import Iterator

import msgspec

_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_FENCE = re.compile(r"[ \t]*(?P<marks>(?P<mark>[`~])(?P=mark){2,7})(?!(?P=mark))(?P<language>[^`\n]*)$", re.MULTILINE)
_BREAKS = (". ", "; ", ", ", " ")  # where a long line is cut, best first
_LONGEST_OPENING = 24  # characters; a longer info string is not repeated in the next part
_SMALLEST_LIMIT = 80  # characters: an opening, a closing and something between


class _Fence(msgspec.Struct, frozen=True):
    """The code block that is open: how to close it, and how to open it again in the next part."""

    marks: str
    opening: str

    @property
    def closing(self) -> str:
        return f"\n{self.marks}"


def split(text: str, limit: int) -> list[str]:
    r"""Parts of at most `limit` characters that say `text` one after the other.

    They are cut between lines where possible, and the line end at a cut is left out. A code block that does not fit
    is closed at the end of one part and opened again, with its language, at the start of the next. Parts without a
    visible character are left out.

    >>> text = "Look:\n```py\n" + "a = 1\n" * 10 + "b = 2\n```"
    >>> first, second = split(text, limit=80)
    >>> second
    '```py\nb = 2\n```'
    """
    assert limit >= _SMALLEST_LIMIT, f"no Markdown fits into {limit} characters"
    parts: list[str] = []
    part, fence = "", None
    for line, whole in _lines(text, longest=limit - 2 * _LONGEST_OPENING):
        after = _fence_after(line, fence) if whole else fence
        opens = after is not None and fence is None
        # An opening needs room for a line of its block too: a part must not end with an empty one.
        needed = len(line.removesuffix("\n")) + (len(after.closing) if after else 0) + opens * _LONGEST_OPENING
        if part and len(part) + needed > limit:
            parts.append(_closed(part, fence))
            part = fence.opening if fence else ""
        part += line
        fence = after
    parts.append(_closed(part, fence))
    return [part for part in parts if part.strip()]


def _lines(text: str, *, longest: int) -> Iterator[tuple[str, bool]]:
    """The lines with their ends, and whether each begins a line: those over `longest` are cut in their second half."""
    for found in _LINE.finditer(text):
        line, begins = found.group(), True
        while len(line) > longest:
            ends = (line.rfind(mark, longest // 2, longest) + len(mark) for mark in _BREAKS)
            cut = next((end for end in ends if longest // 2 < end <= longest), longest)
            yield line[:cut], begins
            line, begins = line[cut:], False
        yield line, begins


def _fence_after(line: str, fence: _Fence | None) -> _Fence | None:
    """The code block that is open after this line."""
    found = _FENCE.match(line)
    if found is None:
        return fence
    marks, language = found["marks"], found["language"].strip()
    if fence is None:
        opening = f"{marks}{language}\n"
        return _Fence(marks, opening if len(opening) <= _LONGEST_OPENING else f"{marks}\n")
    closes = marks.startswith(fence.marks) and not language
    return None if closes else fence


def _closed(part: str, fence: _Fence | None) -> str:
    """The part as it can stand alone."""
    return part.removesuffix("\n") + (fence.closing if fence else "")
