import json

import pytest

from tests.training.drawn import DIALOGUE
from training.records import DialogueRecord, Reading, TurnRecord, describe
from training.scores import Outcome, score
from training.table import to_json

RECORD = describe(DIALOGUE, ("a.png", "b.png"))


def outcomes(*answers: str, record: DialogueRecord = RECORD) -> list[Outcome]:
    return [Outcome(dialogue=record, place=place, answer=answer) for place, answer in enumerate(answers)]


ANSWERS = outcomes(' The title is "Alone" and the author is Xqzt.\n', "The square is Red.", "The cover is purple.")


def phrased(task: str, *, unseen: bool, right: bool) -> Outcome:
    turn = TurnRecord(question="?", answer="yes", task=task, phrasing_held_out=unseen)
    return Outcome(dialogue=DialogueRecord(pictures=(), turns=(turn,)), place=0, answer="yes" if right else "no")


def reading(*, size: float, contrast: float) -> Outcome:
    turn = TurnRecord(question="?", answer="x", reads=(Reading(face="A", size=size, contrast=contrast),))
    return Outcome(dialogue=DialogueRecord(pictures=(), turns=(turn,)), place=0, answer="x")


def test_an_answer_is_right_if_it_is_the_same_to_the_letter_but_for_blanks_at_its_ends() -> None:
    assert [one.right for one in ANSWERS] == [True, False, True]
    assert score(ANSWERS).all.exact == pytest.approx(2 / 3)


def test_every_bar_counts_its_own_questions() -> None:
    bars = {name: (tally.right, tally.asked) for name, tally in score(ANSWERS).bars.items()}
    assert bars == {
        "colour, shape, count, position": (1, 2),
        "random strings": (1, 1),
        "about an earlier picture": (1, 1),
    }


def test_a_question_that_reads_two_texts_counts_for_both_faces_and_for_the_harder_letters() -> None:
    by = score(ANSWERS).by
    assert {face: tally.asked for face, tally in by["face"].items()} == {"DejaVu Sans": 1, "DejaVu Serif": 1}
    assert list(by["letter size"]) == ["1/12 to 1/10"], "the author's, at 1/12"
    assert list(by["contrast"]) == ["3 to 4.5"]


@pytest.mark.parametrize(
    ("size", "contrast", "letters", "ratio"),
    [
        (1 / 12, 3.0, "1/12 to 1/10", "3 to 4.5"),
        (0.1, 4.5, "1/10 to 1/8", "4.5 to 7"),
        (0.125, 7.0, "1/8 and more", "7 and more"),
    ],
)
def test_letters_are_told_apart_by_size_and_contrast(size: float, contrast: float, letters: str, ratio: str) -> None:
    by = score([reading(size=size, contrast=contrast)]).by
    assert (list(by["letter size"]), list(by["contrast"])) == ([letters], [ratio])


def test_bands_follow_each_other() -> None:
    by = score([reading(size=size, contrast=contrast) for size, contrast in ((0.2, 8.0), (0.09, 5.0), (0.11, 3.0))]).by
    assert list(by["letter size"]) == ["1/12 to 1/10", "1/10 to 1/8", "1/8 and more"]
    assert list(by["contrast"]) == ["3 to 4.5", "4.5 to 7", "7 and more"]


def test_pictures_count_as_far_as_they_have_been_shown() -> None:
    by = score(ANSWERS).by
    assert {number: tally.asked for number, tally in by["pictures so far"].items()} == {"1": 1, "2": 2}
    assert {place: tally.right for place, tally in by["position in the dialogue"].items()} == {"1": 1, "2": 0, "3": 1}


def test_held_out_words_and_phrasings_are_told_apart() -> None:
    held_out = score(ANSWERS).by["held out"]
    assert {name: tally.asked for name, tally in held_out.items()} == {
        "all seen in training": 2,
        "words or faces and phrasing held out": 1,
    }


def test_unseen_phrasings_are_held_against_seen_ones_of_the_same_tasks() -> None:
    # Easy questions are right half of the time when seen, hard ones always: the mix of the unseen ones decides.
    seen = [
        phrased("easy", unseen=False, right=True),
        phrased("easy", unseen=False, right=False),
        phrased("hard", unseen=False, right=True),
        phrased("other", unseen=False, right=False),
    ]
    unseen = [phrased("easy", unseen=True, right=True)] * 2 + [phrased("hard", unseen=True, right=False)] * 2
    assert score(seen + unseen).unseen_phrasings == pytest.approx(2 / (2 * 0.5 + 2 * 1.0))
    assert score(seen).unseen_phrasings is None


def test_the_json_line_holds_every_tally() -> None:
    told = json.loads(to_json(score(ANSWERS), model="tiny"))
    assert next(iter(told)) == "model"
    assert (told["model"], told["dialogues"], told["exact"], told["right"], told["asked"]) == ("tiny", 1, 0.6667, 2, 3)
    assert told["bars"]["random strings"] == {"exact": 1.0, "right": 1, "asked": 1}
    assert told["by"]["task"]["colour"] == {"exact": 0.5, "right": 1, "asked": 2}
