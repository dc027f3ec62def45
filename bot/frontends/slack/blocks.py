"""What messages are made of: Block Kit, within its limits.

https://docs.slack.dev/reference/block-kit/blocks: Markdown of 12,000 characters a message, 3,000 in a section, 10
elements in a context block, one table a message, of 100 rows and 20 columns.
"""

from collections.abc import Sequence

import msgspec

from bot.frontends.slack.escaping import escape
from bot.splitting import split
from bot.tables import Table, find_tables
from jobs import Job, JobId

Block = dict[str, object]

STOP = "stop"
REGENERATE = "regenerate"
FEEDBACK = "feedback"
POSITIVE, NEGATIVE = "positive", "negative"

_MOST_MARKDOWN = 10_000  # characters of one message, escaped; 12,000 is Slack's limit
_MOST_JSON = 11_000  # the same in JSON, where lines and quotes count twice; all blocks together may have about 13,200
_LEAST = 2_000
_MOST_FALLBACK = 900  # characters of the text that notifications show
_MOST_PARAGRAPH = 3_000
_MOST_CONTEXT = 10
_MOST_NOTES = 1_000  # characters, all of them together
_MOST_ROWS, _MOST_COLUMNS = 100, 20


class Button(msgspec.Struct, frozen=True, kw_only=True):
    """What a button of ours carries: the question, and who asked it."""

    job: str
    asker: str

    @classmethod
    def of(cls, job: Job) -> str:
        """As a button's value."""
        return msgspec.json.encode(cls(job=str(job.id), asker=job.asker)).decode()

    @property
    def id(self) -> JobId:
        """The question's name."""
        return JobId.read(self.job)


def read_button(value: str) -> Button:
    """The inverse of `Button.of`."""
    return msgspec.json.decode(value, type=Button)


def split_markdown(text: str) -> list[str]:
    """Escaped Markdown in parts, each of which fits into one message."""
    escaped = escape(text)
    limit = _MOST_MARKDOWN
    while True:
        parts = split(escaped, limit)
        if limit <= _LEAST or all(len(msgspec.json.encode(part)) <= _MOST_JSON for part in parts):
            return parts
        limit = max(_LEAST, limit * 4 // 5)


def fallback(escaped: str) -> str:
    """What a notification shows of a text, tables row by row; the blocks have all of it."""
    pieces = (piece if isinstance(piece, str) else _read_out(piece) for piece in find_tables(escaped))
    text = "\n".join(pieces)
    return text if len(text) <= _MOST_FALLBACK else f"{text[:_MOST_FALLBACK].rpartition(' ')[0]} ..."


def written(escaped: str) -> list[Block]:
    """A part of an answer. Its first table becomes one of Slack's own, which every client shows in columns."""
    shown: list[Block] = []
    texts: list[str] = []
    has_table = False

    def say() -> None:
        if "".join(texts).strip():
            shown.append(_markdown("\n".join(texts).strip("\n")))
        texts.clear()

    for piece in find_tables(escaped):
        if isinstance(piece, str):
            texts.append(piece)
        elif has_table or len(piece.rows) > _MOST_ROWS or len(piece.rows[0]) > _MOST_COLUMNS:
            texts.append(piece.as_markdown())
        else:
            has_table = True
            say()
            shown.append(_table(piece))
    say()
    return shown


def status(text: str) -> list[Block]:
    """How things stand."""
    return [_context([_markup(f"_{escape(text)}_")])]


def stop_button(job: Job) -> Block:
    """While it is being answered."""
    return _actions([_button(STOP, "Stop", Button.of(job))])


def below_answer(job: Job, notices: Sequence[str]) -> list[Block]:
    """What stands under a finished answer: notices, thumbs, Regenerate."""
    thumbs: Block = {
        "type": "context_actions",
        "elements": [
            {
                "type": "feedback_buttons",
                "action_id": FEEDBACK,
                "positive_button": {"text": _plain("Good answer"), "value": f"{POSITIVE} {job.id}"},
                "negative_button": {"text": _plain("Bad answer"), "value": f"{NEGATIVE} {job.id}"},
            }
        ],
    }
    return [*notes(notices), thumbs, regenerate_button(job)]


def regenerate_button(job: Job) -> Block:
    """When it has ended, with an answer or the beginning of one."""
    return _actions([_button(REGENERATE, "Regenerate", Button.of(job))])


def notes(notices: Sequence[str]) -> list[Block]:
    """Sentences beside an answer, small. Files are called by their names in them, so nothing in them is markup."""
    lines = [escape(notice) for notice in notices if notice]
    room = _MOST_NOTES // max(1, len(lines))
    lines = [line if len(line) <= room else f"{line[: room - 4]} ..." for line in lines]
    return [_context([_plain(line) for line in lines[:_MOST_CONTEXT]])] if lines else []


def paragraph(escaped: str) -> Block:
    """A paragraph in Slack's own markup. One that is too long keeps its beginning and its end."""
    return {"type": "section", "text": _markup(_without_middle(escaped, _MOST_PARAGRAPH))}


def sentence(text: str) -> Block:
    """The same of a sentence that may hold people's words, such as the name of a file: nothing in it is markup."""
    return {"type": "section", "text": _plain(_without_middle(escape(text), _MOST_PARAGRAPH))}


def _without_middle(text: str, most: int) -> str:
    """At most so many characters, cut between words where there are any.

    >>> _without_middle("a.mp4 skipped. b.txt skipped. No picture is left.", 40)
    'a.mp4 skipped. ... picture is left.'
    """
    if len(text) <= most:
        return text
    half = (most - len(" ... ")) // 2
    beginning, end = text[:half], text[-half:]
    return f"{beginning.rpartition(' ')[0] or beginning} ... {end.partition(' ')[2] or end}"


def _markdown(escaped: str) -> Block:
    return {"type": "markdown", "text": escaped}


def _table(table: Table) -> Block:
    """A cell may not be empty."""
    rows = [[{"type": "raw_text", "text": cell.strip("*`") or " "} for cell in row] for row in table.rows]
    return {"type": "table", "column_settings": [{"is_wrapped": True} for _ in table.rows[0]], "rows": rows}


def _read_out(table: Table) -> str:
    return "\n".join(" · ".join(filter(None, row)) for row in table.rows)


def _context(texts: Sequence[Block]) -> Block:
    return {"type": "context", "elements": list(texts)}


def _actions(elements: Sequence[Block]) -> Block:
    return {"type": "actions", "elements": list(elements)}


def _button(action: str, label: str, value: str) -> Block:
    return {"type": "button", "action_id": action, "text": _plain(label), "value": value}


def _plain(escaped: str) -> Block:
    return {"type": "plain_text", "text": escaped}


def _markup(escaped: str) -> Block:
    return {"type": "mrkdwn", "text": escaped}
