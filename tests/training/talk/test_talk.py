import random
import re
from collections import Counter

import msgspec
import pytest

from tests.training.talk.saying import check_places
from training.dialogue import Dialogue, Exchange, Task
from training.drawing import Chart
from training.talk import MIXES, Mix, draw_dialogue
from training.talk.question import Question
from training.world.split import Split

COUNT = 250


@pytest.fixture(scope="module")
def seen() -> list[Dialogue]:
    return [draw_dialogue(random.Random(seed), Split.SEEN) for seed in range(COUNT)]


@pytest.fixture(scope="module")
def held_out() -> list[Dialogue]:
    return [draw_dialogue(random.Random(seed), Split.HELD_OUT) for seed in range(COUNT)]


def exchanges(dialogues: list[Dialogue]) -> list[Exchange]:
    return [exchange for dialogue in dialogues for exchange in dialogue.exchanges]


def test_dialogues_have_one_to_four_pictures_and_one_to_eight_questions(seen: list[Dialogue]) -> None:
    assert {len(dialogue.pictures) for dialogue in seen} == {1, 2, 3, 4}
    assert {len(dialogue.exchanges) for dialogue in seen} == set(range(1, 9))


def test_every_picture_is_shown_once_in_order_before_it_is_spoken_of(seen: list[Dialogue]) -> None:
    for dialogue in seen:
        shown: list[int] = []
        for exchange in dialogue.exchanges:
            shown += exchange.shows
            assert all(piece.cite.picture in shown for piece in exchange.answer if piece.cite)
        assert shown == list(range(len(dialogue.pictures)))


def test_every_task_is_asked(seen: list[Dialogue], held_out: list[Dialogue]) -> None:
    assert {exchange.task for exchange in exchanges(seen + held_out)} == set(Task)


def test_characters_and_boxes_agree(seen: list[Dialogue], held_out: list[Dialogue]) -> None:
    for dialogue in seen + held_out:
        for exchange in dialogue.exchanges:
            check_places(
                Question(task=exchange.task, wording="", answer=exchange.answer),
                dialogue.pictures,
            )


def test_no_braces_are_left_and_answers_are_sentences(seen: list[Dialogue]) -> None:
    for exchange in exchanges(seen):
        assert not re.search("[{}]", exchange.question)
        assert exchange.task is Task.TEXT or exchange.text[-1] in ".!", exchange.text


def test_training_meets_nothing_that_is_held_out(seen: list[Dialogue]) -> None:
    assert not any(exchange.held_out or exchange.phrasing_held_out for exchange in exchanges(seen))


def test_a_third_of_held_out_questions_is_put_in_new_words(held_out: list[Dialogue]) -> None:
    new = [exchange.phrasing_held_out for exchange in exchanges(held_out)]

    assert sum(new) / len(new) == pytest.approx(0.35, abs=0.06)


def test_the_same_numbers_draw_the_same_dialogue() -> None:
    one, other = (draw_dialogue(random.Random(7), Split.SEEN) for _ in range(2))

    assert one.exchanges == other.exchanges
    assert [picture.facts for picture in one.pictures] == [picture.facts for picture in other.pictures]


def test_a_mix_says_what_dialogues_are_about() -> None:
    only_charts = Mix(covers=0, pages=0, scenes=0, pairs=0, odd_ones=0, several=0)
    dialogues = [draw_dialogue(random.Random(seed), Split.SEEN, mix=only_charts) for seed in range(10)]

    assert {type(dialogue.pictures[0].facts).__name__ for dialogue in dialogues} == {"Chart"}
    assert Counter(len(dialogue.pictures) for dialogue in dialogues) == {1: 10}


def test_pies_are_learnt_from_more_often_than_they_are_examined() -> None:
    only_pies = Mix(**dict.fromkeys(msgspec.structs.asdict(Mix()), 0.0) | {"pies": 1.0})
    dialogues = [draw_dialogue(random.Random(seed), Split.SEEN, mix=only_pies) for seed in range(10)]
    kinds = [picture.facts.what for d in dialogues for picture in d.pictures if isinstance(picture.facts, Chart)]

    assert kinds == ["pie"] * 10
    assert MIXES["learning"].pies > 0
    assert MIXES["all"].pies == 0


def test_a_primer_is_asked_what_it_is_and_is_learnt_from_but_never_examined() -> None:
    only_primers = Mix(**dict.fromkeys(msgspec.structs.asdict(Mix()), 0.0) | {"primers": 1.0})
    dialogue = draw_dialogue(random.Random(0), Split.SEEN, mix=only_primers, chatter=3)

    assert [exchange.task for exchange in dialogue.exchanges] == [Task.KIND]
    assert MIXES["learning"].primers > 0
    assert MIXES["all"].primers == 0


def test_mixes_have_names() -> None:
    for name in MIXES:
        assert draw_dialogue(random.Random(0), Split.SEEN, mix=name).exchanges
    with pytest.raises(KeyError):
        draw_dialogue(random.Random(0), Split.SEEN, mix="weather")


def test_a_mix_of_nothing_is_refused() -> None:
    nothing = dict.fromkeys(msgspec.structs.asdict(Mix()), 0.0)

    with pytest.raises(ValueError, match="weights"):
        Mix(**nothing)
