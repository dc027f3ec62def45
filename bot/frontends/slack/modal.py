"""The forms: for /ocr and /compare, which cannot carry files, and for a question about a message's pictures."""

from collections.abc import Mapping
from typing import Any, Self

import msgspec

from bot.frontends.slack.blocks import Block
from bot.frontends.slack.message import SharedFile, read_files
from jobs import JobKind

FORM = "threadsight_form"

_FILES, _QUESTION, _WHERE = "files", "question", "where"
_MOST_FILES = 10  # of a file_input
_MOST_NAME = 60  # characters of a file's name that a form remembers
_MOST_QUESTION = 3_000  # characters of a plain_text_input
_TITLES = {
    JobKind.OCR: "Read text",
    JobKind.COMPARE: "Compare pictures",
    JobKind.ASK: "Ask about the picture",
}
_HINTS = {
    JobKind.OCR: "Anything in particular that should be read",
    JobKind.COMPARE: "Anything in particular that should be compared",
    JobKind.ASK: "What do you want to know?",
}


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """What a form remembers while it is open. `thread` is the message that it is about, for a shortcut."""

    kind: JobKind
    channel: str
    thread: str = ""
    files: tuple[SharedFile, ...] = ()

    def write(self) -> str:
        """As a view's `private_metadata`, which holds 3,000 characters."""
        short = tuple(SharedFile(id=file.id, name=file.name[-_MOST_NAME:]) for file in self.files[:_MOST_FILES])
        return msgspec.json.encode(msgspec.structs.replace(self, files=short)).decode()

    @classmethod
    def read(cls, metadata: str) -> Self:
        """The inverse of `write`."""
        return msgspec.json.decode(metadata, type=cls)

    def as_view(self) -> dict[str, object]:
        """What opens in Slack."""
        asks_files = not self.thread
        fields = [
            *([_file_field(least=2 if self.kind is JobKind.COMPARE else 1)] if asks_files else []),
            _question_field(_HINTS[self.kind], optional=self.kind is not JobKind.ASK),
            *([_where_field(self.channel)] if asks_files else []),
        ]
        return {
            "type": "modal",
            "callback_id": FORM,
            "private_metadata": self.write(),
            "title": _plain(_TITLES[self.kind]),
            "submit": _plain("Ask"),
            "close": _plain("Cancel"),
            "blocks": fields,
        }


class Filled(msgspec.Struct, frozen=True, kw_only=True):
    """A form that was sent."""

    id: str  # the view's: sent twice, it is the same question
    form: Form
    files: tuple[SharedFile, ...]
    question: str
    where: str  # a channel

    @classmethod
    def read(cls, view: Mapping[str, Any]) -> Self:
        """From `view_submission`."""
        form = Form.read(view["private_metadata"])
        values = {block: next(iter(state.values())) for block, state in view["state"]["values"].items() if state}
        return cls(
            id=view["id"],
            form=form,
            files=read_files(values.get(_FILES, {}).get("files") or ()) or form.files,
            question=values.get(_QUESTION, {}).get("value") or "",
            where=values.get(_WHERE, {}).get("selected_conversation") or form.channel,
        )

    @property
    def errors(self) -> dict[str, str]:
        """What must be corrected, by field."""
        if self.form.kind is JobKind.COMPARE and not self.form.thread and len(self.files) < 2:  # noqa: PLR2004  a pair
            return {_FILES: "Comparing takes at least two pictures."}
        return {}

    def misplaced(self, sentence: str) -> dict[str, str]:
        """The bot cannot answer there, by field."""
        return {_QUESTION if self.form.thread else _WHERE: sentence}


def below_question(sentence: str) -> dict[str, str]:
    """What went wrong, by field: every form has the question."""
    return {_QUESTION: sentence}


def _file_field(*, least: int) -> Block:
    element = {"type": "file_input", "action_id": _FILES, "max_files": _MOST_FILES}
    return _field(_FILES, "Pictures" if least == 1 else "Pictures, two or more", element)


def _question_field(hint: str, *, optional: bool) -> Block:
    element = {
        "type": "plain_text_input",
        "action_id": _QUESTION,
        "multiline": True,
        "max_length": _MOST_QUESTION,
        "placeholder": _plain(hint),
    }
    return _field(_QUESTION, "Question", element, optional=optional)


def _where_field(channel: str) -> Block:
    element = {
        "type": "conversations_select",
        "action_id": _WHERE,
        "initial_conversation": channel,
        "default_to_current_conversation": True,
    }
    return _field(_WHERE, "Answer in", element, optional=True)


def _field(name: str, label: str, element: Block, *, optional: bool = False) -> Block:
    return {"type": "input", "block_id": name, "label": _plain(label), "element": element, "optional": optional}


def _plain(text: str) -> Block:
    return {"type": "plain_text", "text": text}
