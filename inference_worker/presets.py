"""What each kind of question says to the model, and what a checkpoint wants of its host.

A checkpoint may bring a `threadsight.json` beside its weights with its own wording and crop limit: a small model
understands the phrases, and sees pictures cut, as it was trained.
"""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from inference_worker.errors import ModelUnreadable
from jobs import JobKind


class Presets(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The wording for each kind. Phi-3-Vision follows plain instructions best that name the form of the answer.

    `focus` names pictures when only some of the conversation's are meant; `with_question` joins a task and what the
    person wrote beside it; `with_context` begins with what was said there before the bot was first asked.
    """

    look: str = "What is shown in this image?"
    look_at_several: str = "What do these images show?"
    ocr: str = (
        "Read all the text in this image and write it out exactly as it stands, line by line, in reading order. "
        "Write tables as Markdown tables. Answer with the text only."
    )
    compare: str = (
        "Compare these images. First say in one sentence what they have in common. Then list every difference in a "
        "Markdown table with one column for each image."
    )
    describe: str = (
        "Describe this image for somebody who cannot see it. If it is a chart, give its title, axes, the largest and "
        "smallest values and the trend. If it is a table, write it out as a Markdown table. Otherwise name the main "
        "objects, their colors and where they are, and any text."
    )
    focus: str = "{task} (This is about {images}.)"
    with_question: str = "{task} {question}"
    with_context: str = "Before this, people wrote here:\n{context}\n\n{words}"
    max_crops: int | None = None  # what this model was trained with, whatever the settings say

    def __post_init__(self) -> None:
        self._check("focus", "task", "images")
        self._check("with_question", "task", "question")
        self._check("with_context", "context", "words")

    def _check(self, template: str, *names: str) -> None:
        try:
            getattr(self, template).format(**dict.fromkeys(names, ""))
        except (LookupError, ValueError, AttributeError) as error:
            raise ValueError(f"{template} names something else than {' and '.join(names)}") from error

    def render(self, kind: JobKind, question: str, *, new: int, meant: Sequence[int] = (), context: str = "") -> str:
        """What the model is asked: `new` pictures come with it, `meant` are earlier ones that it is about."""
        task = self._task(kind, new=new)
        if not task:
            words = question
        elif not question or kind is JobKind.ASK:
            words = question or task
        else:
            words = self.with_question.format(task=task, question=question)
        if meant:
            images = " and ".join(f"image {number}" for number in meant)
            words = self.focus.format(task=words, images=images)
        return self.with_context.format(context=context, words=words) if context else words

    def _task(self, kind: JobKind, *, new: int) -> str:
        match kind:
            case JobKind.OCR:
                return self.ocr
            case JobKind.COMPARE:
                return self.compare
            case JobKind.DESCRIBE:
                return self.describe
            case JobKind.ASK:
                return self.look_at_several if new > 1 else self.look


def read_presets(folder: Path) -> Presets:
    """The checkpoint's own presets, or the usual ones.

    Raises:
        ModelUnreadable: the file is there and is not what it should be.
    """
    path = folder / "threadsight.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=Presets) if path.exists() else Presets()
    except OSError as error:
        raise ModelUnreadable(folder=folder, reason=f"{path.name}: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ModelUnreadable(folder=folder, reason=f"{path.name}: {error}") from error
