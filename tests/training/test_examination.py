from pathlib import Path

import pytest
from PIL import ExifTags, Image

from tests.training.drawn import DIALOGUE
from training.examination import NoModel, answer_all, examine
from training.records import DialogueRecord, TurnRecord, read_records, write_records

EXAMPLES = Path(__file__).parents[2] / "examples"
PICTURES = EXAMPLES / "pictures"
TITLE = TurnRecord(question="Help me get the title and author information of this book?", answer="", shows=(0,))


def test_the_shipped_model_answers_the_examples_rightly() -> None:
    records = read_records(EXAMPLES)[::5]
    answers = answer_all(records, EXAMPLES, "tiny")
    assert answers == [tuple(turn.answer for turn in record.turns) for record in records]


def test_each_conversation_sees_its_own_pictures_whatever_runs_beside_it() -> None:
    covers = [
        DialogueRecord(pictures=(f"cover_{name}.png",), turns=(TITLE,)) for name in ("moon", "river", "ocean", "house")
    ]
    alone = [answer_all([record], PICTURES, "tiny")[0] for record in covers]
    assert answer_all(covers, PICTURES, "tiny") == alone
    assert len(set(alone)) == len(covers)


def test_shares_in_processes_of_their_own_give_the_same_answers_each_at_its_place() -> None:
    records = read_records(EXAMPLES)[:6]
    together = dict(examine(records, EXAMPLES, "tiny", processes=2, share=2))
    assert [together[place] for place in range(6)] == answer_all(records, EXAMPLES, "tiny")


def test_a_later_question_is_asked_with_what_came_before_it() -> None:
    pair = ("cover_moon.png", "chart_exports5.png")
    first = TurnRecord(question="Who wrote this book?", answer="", shows=(0,))
    second = TurnRecord(question="Which bar is the tallest?", answer="", shows=(1,))
    back = TurnRecord(question="What color is the cover?", answer="")
    [answers] = answer_all([DialogueRecord(pictures=pair, turns=(first, second, back))], PICTURES, "tiny")
    assert answers == ("The author is Jonas Berg.", "The tallest bar is 2006.", "The cover is red.")


def test_a_question_that_is_refused_has_the_refusal_for_an_answer(tmp_path: Path) -> None:
    Image.new("RGB", (64, 64)).save(tmp_path / "a.png")
    turns = (TurnRecord(question="?" * 5000, answer="", shows=(0,)), TurnRecord(question="What is it?", answer=""))
    [(refused, answered)] = answer_all([DialogueRecord(pictures=("a.png",), turns=turns)], tmp_path, "tiny")
    assert "too long" in refused
    assert answered != refused


def test_a_picture_is_seen_as_the_product_sees_it(tmp_path: Path) -> None:
    # Somebody else's: upright, and on white where nothing is.
    title, exif = Image.open(PICTURES / "cover_moon.png").convert("RGBA"), Image.Exif()
    title.rotate(90, expand=True).save(tmp_path / "a.png", exif=_turned(exif))
    [answers] = answer_all([DialogueRecord(pictures=("a.png",), turns=(TITLE,))], tmp_path, "tiny")
    [upright] = answer_all([DialogueRecord(pictures=("cover_moon.png",), turns=(TITLE,))], PICTURES, "tiny")
    assert answers == upright


def _turned(exif: Image.Exif) -> Image.Exif:
    exif[ExifTags.Base.Orientation] = 6  # a quarter to the right makes it upright
    return exif


def test_drawn_dialogues_are_answered_turn_by_turn(tmp_path: Path) -> None:
    records = list(write_records([DIALOGUE], tmp_path))
    [answers] = answer_all(records, tmp_path, "tiny")
    assert len(answers) == 3


def test_a_model_that_is_not_there_is_told_from_the_other_process(tmp_path: Path) -> None:
    records = read_records(EXAMPLES)[:1]
    with pytest.raises(NoModel, match="nowhere"):
        list(examine(records, EXAMPLES, str(tmp_path / "nowhere")))
