import json
from pathlib import Path

import pytest
from PIL import Image

from tests.training.drawn import DIALOGUE
from training.records import FILE, Reading, RecordsUnreadable, read_records, write_records

EXAMPLES = Path(__file__).parents[2] / "examples"


def written(folder: Path, *lines: dict[str, object]) -> Path:
    Image.new("RGB", (8, 8)).save(folder / "a.png")
    Image.new("RGB", (8, 8)).save(folder / "b.png")
    (folder / FILE).write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    [record] = write_records([DIALOGUE], tmp_path / "out")
    assert read_records(tmp_path / "out") == [record]
    assert [turn.answer for turn in record.turns] == [
        'The title is "Alone" and the author is Xqzt.',
        "The square is red.",
        "The cover is purple.",
    ]
    assert [turn.task for turn in record.turns] == ["title", "colour", "colour"]
    assert [record.shown(turn) for turn in range(3)] == [("00000-1.png",), ("00000-2.png",), ()]
    flags = [(turn.random, turn.refers_back, turn.phrasing_held_out, turn.held_out) for turn in record.turns]
    assert flags == [(True, False, False, False), (False, False, False, False), (False, True, True, True)]


def test_pictures_lose_nothing_on_disk(tmp_path: Path) -> None:
    [record] = write_records([DIALOGUE], tmp_path)
    for name, drawing in zip(record.pictures, DIALOGUE.pictures, strict=True):
        with Image.open(tmp_path / name) as picture:
            assert (picture.size, picture.tobytes()) == (drawing.image.size, drawing.image.tobytes())


def test_a_turn_tells_what_letters_it_is_read_from(tmp_path: Path) -> None:
    [record] = write_records([DIALOGUE], tmp_path)
    assert [turn.reads for turn in record.turns] == [
        (
            Reading(face="DejaVu Sans", size=0.1, contrast=3.46),
            Reading(face="DejaVu Serif", size=0.083, contrast=9.0),
        ),
        (),
        (),
    ]


def test_questions_and_answers_alone_are_enough_and_the_first_brings_all_pictures(tmp_path: Path) -> None:
    turns = [{"question": "What?", "answer": "That."}, {"question": "Who?", "answer": "Her."}]
    [record] = read_records(written(tmp_path, {"kind": "pair", "pictures": ["a.png", "b.png"], "turns": turns}))
    assert (record.shown(0), record.shown(1)) == (("a.png", "b.png"), ())
    assert [record.task(0), record.task(1)] == ["pair", "pair"]


def test_the_examples_of_the_readme_can_be_read() -> None:
    records = read_records(EXAMPLES)
    assert len(records) > 40
    assert all((EXAMPLES / name).is_file() for record in records for name in record.pictures)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({"pictures": ["c.png"], "turns": []}, "c.png is not there"),
        ({"pictures": ["a.png"], "turns": [{"question": "What?"}]}, "line 1: Object missing required field `answer`"),
        ({"pictures": ["a.png"], "turns": [{"question": "?", "answer": "!", "shows": [1]}]}, "line 1"),
        (
            {"pictures": ["a.png"], "turns": [{"question": "?", "answer": "!", "shows": [-1]}]},
            "line 1: Expected `int` >= 0",
        ),
    ],
)
def test_what_is_wrong_with_a_line_is_told(tmp_path: Path, line: dict[str, object], said: str) -> None:
    with pytest.raises(RecordsUnreadable, match=said):
        read_records(written(tmp_path, line))


def test_a_file_in_another_encoding_is_told(tmp_path: Path) -> None:
    folder = written(tmp_path, {"pictures": ["a.png"], "turns": [{"question": "Wo?", "answer": "Hier."}]})
    (folder / FILE).write_bytes((folder / FILE).read_bytes().replace(b"Wo?", "Für wen?".encode("latin-1")))
    with pytest.raises(RecordsUnreadable, match="line 1"):
        read_records(folder)


def test_an_empty_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(RecordsUnreadable, match=FILE):
        read_records(tmp_path)
