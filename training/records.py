"""Drawn dialogues on disk: pictures as PNG files, and `dialogues.jsonl` with a line for each dialogue.

A line tells besides the questions and answers what scores are told by. Lines that somebody else wrote may leave all of
that out: `{"kind": ..., "pictures": [...], "turns": [{"question": ..., "answer": ...}, ...]}` is enough, and then the
first turn brings all pictures.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import msgspec
from PIL import Image

from training.dialogue import Dialogue, Exchange
from training.drawing import Chart, Cover, Drawing, Page, Scene, Text

FILE = "dialogues.jsonl"


Place = Annotated[int, msgspec.Meta(ge=0)]


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """Letters that an answer is read from."""

    face: str
    size: float  # of the letters, as a part of the picture's longer side
    contrast: float  # WCAG's ratio


class TurnRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A question with its answer; see `training.dialogue.Exchange`. `shows` None: all pictures with the first turn."""

    question: str
    answer: str
    task: str = ""
    shows: tuple[Place, ...] | None = None
    refers_back: bool = False
    phrasing_held_out: bool = False
    random: bool = False
    held_out: bool = False
    reads: tuple[Reading, ...] = ()


class DialogueRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A dialogue: its pictures by file name, and its turns. `kind` is what the pictures are."""

    pictures: tuple[str, ...]
    turns: tuple[TurnRecord, ...]
    kind: str = ""

    def task(self, turn: int) -> str:
        """Of the turn, or else what the pictures are."""
        return self.turns[turn].task or self.kind or "untold"

    def shown(self, turn: int) -> tuple[str, ...]:
        """The pictures that come with the turn."""
        shows = self.turns[turn].shows
        if shows is None:
            return self.pictures if turn == 0 else ()
        return tuple(self.pictures[place] for place in shows)


class RecordsUnreadable(Exception):
    """There is no readable `dialogues.jsonl`, or what it names is not there or not a picture."""


def write_records(dialogues: Iterable[Dialogue], folder: Path) -> Iterator[DialogueRecord]:
    """Writes each dialogue's pictures and its line, and yields it then."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / FILE).open("wb") as file:
        for number, dialogue in enumerate(dialogues):
            names = tuple(f"{number:05}-{place + 1}.png" for place in range(len(dialogue.pictures)))
            for name, drawing in zip(names, dialogue.pictures, strict=True):
                drawing.image.save(folder / name, compress_level=1)
            record = describe(dialogue, names)
            file.write(msgspec.json.encode(record) + b"\n")
            yield record


def describe(dialogue: Dialogue, names: tuple[str, ...]) -> DialogueRecord:
    """The dialogue with its pictures under these names."""
    return DialogueRecord(
        pictures=names,
        turns=tuple(_describe_turn(exchange, dialogue.pictures) for exchange in dialogue.exchanges),
        kind=", ".join(kind_of(drawing) for drawing in dialogue.pictures),
    )


def read_records(folder: Path) -> list[DialogueRecord]:
    """All dialogues of the folder. Pictures lie beside the file or in `pictures/`; the names become paths from `folder`.

    Raises:
        RecordsUnreadable: the file or a picture is missing or something else, or there is no dialogue.
    """
    path = folder / FILE
    if not path.is_file():
        raise RecordsUnreadable(f"{path} is not there")
    records = []
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        if not line.strip():
            continue
        try:
            record = msgspec.json.decode(line, type=DialogueRecord)
            for turn in range(len(record.turns)):
                record.shown(turn)
        except (msgspec.DecodeError, UnicodeDecodeError, IndexError) as error:
            raise RecordsUnreadable(f"{path}, line {number}: {error}") from error
        pictures = tuple(_find(folder, name) for name in record.pictures)
        records.append(msgspec.structs.replace(record, pictures=pictures))
    if not records:
        raise RecordsUnreadable(f"{path} is empty")
    return records


def kind_of(drawing: Drawing) -> str:
    """What sort of picture it is."""
    match drawing.facts:
        case Cover():
            return "book cover"
        case Page(what=what):
            return what
        case Chart(what=what):
            return f"{what} chart"
        case Scene():
            return "scene"


def _describe_turn(exchange: Exchange, drawings: tuple[Drawing, ...]) -> TurnRecord:
    return TurnRecord(
        question=exchange.question,
        answer=exchange.text,
        task=exchange.task.value,
        shows=exchange.shows,
        refers_back=exchange.refers_back,
        phrasing_held_out=exchange.phrasing_held_out,
        random=exchange.random,
        held_out=exchange.held_out,
        reads=tuple(_readings(exchange, drawings)),
    )


def _readings(exchange: Exchange, drawings: tuple[Drawing, ...]) -> Iterator[Reading]:
    for piece in exchange.answer:
        if not (piece.spelled and piece.cite):
            continue
        drawing = drawings[piece.cite.picture]
        for text in drawing.texts:
            if set(piece.cite.boxes) & set(text.glyphs):
                yield _reading(text, drawing.image)


def _reading(text: Text, image: Image.Image) -> Reading:
    return Reading(face=text.face, size=round(text.size_px / max(image.size), 3), contrast=round(text.contrast, 2))


def _find(folder: Path, name: str) -> str:
    for path in (Path(name), Path("pictures") / name):
        if (folder / path).is_file():
            _check(folder / path)
            return str(path)
    raise RecordsUnreadable(f"{folder / name} is not there")


def _check(path: Path) -> None:
    """To the last byte: an examination is long, and should not end at a file that is cut off."""
    try:
        with Image.open(path) as file:
            file.load()
    except (OSError, SyntaxError, Image.DecompressionBombError):  # Pillow's own for what it cannot read, and broken PNG
        raise RecordsUnreadable(f"{path} is not a picture, or a broken one") from None
