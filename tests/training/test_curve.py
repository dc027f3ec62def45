import json
from pathlib import Path

import pytest
from PIL import Image

from training.curve import Point, draw_curve, join_curves, read_curve


def told(loss: float, exact: float) -> dict[str, object]:
    return {"losses": {"words": loss, "sight": 9.0}, "exact": exact, "tasks": {}}


@pytest.fixture
def curve(tmp_path: Path) -> Path:
    lines = [
        {"step": 20, "dialogues": 100, "minutes": 1.5, "seen": told(2.0, 0.25)},
        {"step": 40, "dialogues": 200, "minutes": 3.0, "seen": told(1.0, 0.5)},
        {"step": 40, "held_out": told(1.25, 0.375)},
    ]
    path = tmp_path / "curve.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_every_point_tells_the_words_loss_and_the_right_answers_of_seen_or_of_held_out_dialogues(curve: Path) -> None:
    assert read_curve(curve) == [
        Point(minutes=1.5, dialogues=100, loss=2.0, exact=0.25, held_out=False),
        Point(minutes=3.0, dialogues=200, loss=1.0, exact=0.5, held_out=False),
        Point(minutes=3.0, dialogues=200, loss=1.25, exact=0.375, held_out=True),
    ]


def test_a_sitting_of_few_steps_that_ends_before_its_first_line_has_only_held_out_dialogues(tmp_path: Path) -> None:
    path = tmp_path / "curve.jsonl"
    path.write_text(json.dumps({"step": 3, "held_out": told(4.0, 0.0)}) + "\n")
    assert read_curve(path) == [Point(minutes=0, dialogues=0, loss=4.0, exact=0, held_out=True)]


def test_sittings_follow_each_other(curve: Path) -> None:
    assert [point.minutes for point in join_curves([curve, curve])] == [1.5, 3.0, 3.0, 4.5, 6.0, 6.0]


def test_the_picture_has_both_lines_with_their_names_and_units(curve: Path, tmp_path: Path) -> None:
    draw_curve(read_curve(curve), tmp_path / "curve.svg")
    svg = (tmp_path / "curve.svg").read_text()
    for words in ("drawn for training", "held out", "answers exactly right, %", "minutes of training"):
        assert f"<!-- {words} -->" in svg
    assert svg.count("#cc3300") >= 2, "held out, in both halves"


def test_the_same_points_give_the_same_file(curve: Path, tmp_path: Path) -> None:
    for name in ("one.svg", "two.svg"):
        draw_curve(read_curve(curve), tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


def test_the_name_decides_between_svg_and_png(curve: Path, tmp_path: Path) -> None:
    draw_curve(read_curve(curve), tmp_path / "curve.png")
    with Image.open(tmp_path / "curve.png") as picture:
        assert picture.width > 2 * picture.height
