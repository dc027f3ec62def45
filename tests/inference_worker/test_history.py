import msgspec
import pytest

from inference_worker.answer_engine import Answered
from inference_worker.errors import NothingToCompare, NothingToLookAt
from inference_worker.history import NO_PICTURE, build_dialogue, build_turn, notices_for
from inference_worker.presets import Presets
from jobs import Claim, Conversation, JobKind, Usage
from tests.inference_worker.dialogues import claim, conversation, from_memory, picture, turn

PRESETS = Presets(ocr="Read.", compare="Compare.", describe="Describe.")
A, B, C = picture("a"), picture("b"), picture("c")


def built(asked: Claim, history: Conversation = conversation()):  # noqa: ANN201, B008
    return build_dialogue(asked, history, presets=PRESETS, ocr_crops=16, load_picture=from_memory({}))


def numbers(pictures) -> list[tuple[str, int]]:  # noqa: ANN001
    return [(shown.digest, shown.number) for shown in pictures]


def test_pictures_are_numbered_in_order_of_appearance() -> None:
    history = conversation(turn("1", "?", "!", picture("a", 1), picture("b", 2)))
    assert numbers(built(claim("and this?", C), history).pictures) == [("c", 3)]


def test_a_picture_that_comes_again_keeps_its_number_and_is_not_shown_twice() -> None:
    history = conversation(turn("1", "?", "!", picture("a", 1), picture("b", 2)))
    asked = built(claim("and now?", B, C), history)
    assert numbers(asked.pictures) == [("c", 3)]
    assert "image 2 and image 3" in asked.question


def test_files_that_came_together_are_as_many_pictures_also_where_they_are_the_same() -> None:
    asked = built(claim("", A, A, kind=JobKind.COMPARE))
    assert numbers(asked.pictures) == [("a", 1), ("a", 2)]
    history = conversation(turn("now", "", "They are the same.", *asked.pictures))
    assert numbers(history.pictures) == [("a", 1), ("a", 2)]
    answered_again = built(claim("", *asked.pictures, kind=JobKind.COMPARE, revision=1), history)
    assert answered_again.pictures == asked.pictures
    assert numbers(built(claim("and this?", B, source="next"), history).pictures) == [("b", 3)]


def test_a_picture_that_came_again_keeps_its_number_when_the_question_that_brought_it_is_gone() -> None:
    a, b = picture("a", 1), picture("b", 2)
    history = conversation(turn("1", "?", "!", a), turn("3", "?", "!", again=(b,)))
    assert numbers(history.pictures) == [("a", 1), ("b", 2)]
    assert history.find_picture(2) == ("3", b)
    asked = built(claim("and these?", B, C), history)
    assert (numbers(asked.again), numbers(asked.pictures)) == ([("b", 2)], [("c", 3)])


def test_a_file_that_was_deleted_while_its_question_waited_is_left_out_with_all_its_pages() -> None:
    pages = [
        msgspec.structs.replace(one, ref=msgspec.structs.replace(one.ref, origin="C/40/7", page=page))
        for page, one in enumerate((A, B), start=1)
    ]
    history = msgspec.structs.replace(conversation(), withdrawn=frozenset({("now", "C/40"), ("other", "c")}))
    assert numbers(built(claim("and now?", *pages, C), history).pictures) == [("c", 1)]


def test_answering_again_gives_the_same_pictures_the_same_numbers() -> None:
    history = conversation(turn("1", "?", "!", picture("a", 1)), turn("2", "?", "!", picture("b", 2)))
    asked = built(claim("again", B, source="2", revision=1), history)
    assert [past.source for past in asked.turns] == ["1"]
    assert numbers(asked.pictures) == [("b", 2)]


def test_the_number_of_a_dropped_picture_is_not_given_again() -> None:
    history = conversation(turn("1", "?", "!", picture("a", 1)))
    history = msgspec.structs.replace(history, dropped=(picture("b", 2),))
    assert numbers(built(claim("and this?", C), history).pictures) == [("c", 3)]


def test_answering_again_without_a_dropped_picture_leaves_the_others_their_numbers() -> None:
    history = conversation(turn("1", "?", "!", picture("a", 1), picture("b", 2)))
    history = msgspec.structs.replace(history, dropped=(picture("c", 3),))
    asked = claim("again", picture("a", 1), picture("b", 2), source="1", revision=1)
    assert numbers(built(asked, history).pictures) == [("a", 1), ("b", 2)]


def test_a_picture_that_was_dropped_while_its_question_waited_is_left_out() -> None:
    history = msgspec.structs.replace(conversation(turn("1", "?", "!")), dropped=(picture("a", 1),))
    assert numbers(built(claim("and now?", picture("a", 1), C), history).pictures) == [("c", 2)]


def test_reading_an_older_picture_is_one_shot_at_full_detail() -> None:
    history = conversation(turn("1", "?", "!", picture("a", 1)), turn("2", "?", "!", picture("b", 2)))
    asked = built(claim("", A, kind=JobKind.OCR), history)
    assert asked.one_shot
    assert asked.turns == ()
    assert [(shown.digest, shown.number, shown.max_crops) for shown in asked.pictures] == [("a", 1, 16)]
    kept = build_turn(claim("", A, kind=JobKind.OCR), asked, "HELLO", Answered(usage=Usage()))
    assert (kept.pictures, kept.answer) == ((), "HELLO")


def test_reading_without_a_picture_reads_the_latest_of_the_conversation() -> None:
    history = conversation(turn("1", "?", "!", picture("a", 1), picture("b", 2)))
    assert numbers(built(claim("", kind=JobKind.OCR), history).pictures) == [("b", 2)]


@pytest.mark.parametrize("kind", [JobKind.OCR, JobKind.DESCRIBE])
def test_a_task_about_a_picture_needs_one(kind: JobKind) -> None:
    with pytest.raises(NothingToLookAt):
        built(claim("", kind=kind))


def test_comparing_needs_two_pictures_wherever_they_came_from() -> None:
    with pytest.raises(NothingToCompare, match="has 1"):
        built(claim("", A, kind=JobKind.COMPARE))
    history = conversation(turn("1", "?", "!", picture("a", 1)))
    assert built(claim("", B, kind=JobKind.COMPARE), history).question == "Compare."


def test_comparing_some_of_the_pictures_names_them() -> None:
    history = conversation(turn("1", "?", "!", picture("a", 1), picture("b", 2), picture("c", 3)))
    asked = built(claim("", A, C, kind=JobKind.COMPARE), history)
    assert "image 1 and image 3" in asked.question


def test_what_was_said_before_the_bot_was_asked_goes_to_the_model_with_the_question() -> None:
    asked = claim("Which one is it?", A)
    job = msgspec.structs.replace(asked.job, context="ann: it is the one on the left {sic}")
    shown = built(msgspec.structs.replace(asked, job=job)).question
    assert shown == "Before this, people wrote here:\nann: it is the one on the left {sic}\n\nWhich one is it?"
    kept = build_turn(asked, built(msgspec.structs.replace(asked, job=job)), "Left.", None)
    assert (kept.question, kept.prompt) == ("Which one is it?", shown)


def test_the_turn_keeps_what_the_model_was_asked_and_how_the_answer_was_made() -> None:
    asked = claim("which?", A, kind=JobKind.DESCRIBE)
    answered = Answered(usage=Usage(), token_ids=(4, 5), fingerprint="f")
    kept = build_turn(asked, built(asked), "This one.", answered)
    assert (kept.question, kept.prompt, kept.answer) == ("which?", "Describe. which?", "This one.")
    assert (kept.token_ids, kept.fingerprint) == ((4, 5), "f")
    assert numbers(kept.pictures) == [("a", 1)]


def test_every_kind_has_words_even_when_the_person_has_none() -> None:
    for kind in JobKind:
        for new in (1, 2):
            assert Presets().render(kind, "", new=new)
    assert Presets().render(JobKind.ASK, "How many?", new=1) == "How many?"
    assert msgspec.json.decode(msgspec.json.encode(Presets()), type=Presets) == Presets()


def test_what_came_again_is_kept_with_the_turn_and_goes_when_it_is_dropped() -> None:
    asked = claim("And this?", A, source="2")
    dialogue = built(asked, conversation(turn("1", "?", "!", picture("a", 1))))
    answered = build_turn(asked, dialogue, "A cat.", None)
    assert [shown.number for shown in answered.again] == [1]
    assert answered.pictures == ()
    left = conversation(turn("1", "?", "!", picture("a", 1)), answered).without([picture("a", 1)])
    assert [kept.again for kept in left.turns] == [(), ()]


def test_what_came_again_is_of_the_file_that_came_with_it() -> None:
    anns = msgspec.structs.replace(picture("a", 1, max_crops=9), ref=picture("anns").ref)
    asked = built(claim("And this?", A, source="2"), conversation(turn("1", "?", "!", anns)))
    assert asked.again == (msgspec.structs.replace(anns, ref=A.ref),)


def test_an_older_picture_that_was_read_is_shown_by_that_turn_when_the_question_that_brought_it_is_gone() -> None:
    known = picture("a", 1)
    read = claim("", A, source="2", kind=JobKind.OCR)
    kept = build_turn(read, built(read, conversation(turn("1", "?", "!", known))), "HELLO", None)
    assert (kept.again, kept.pictures) == ((known,), ())
    assert conversation(kept).find_picture(1) == ("2", known)


def test_who_begins_without_a_picture_is_told_so() -> None:
    assert notices_for(built(claim("What is this?"))) == (NO_PICTURE,)
    assert notices_for(built(claim("What is this?", A))) == ()
    assert notices_for(built(claim("And now?", source="2"), conversation(turn("1", "Hello.", "Hello.")))) == ()
