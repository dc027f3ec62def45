import itertools
import random
import re
from collections import Counter

from tests.training.talk.drawn import BAR_CHART, COVER, SIGN, drawing, scene, shape, text
from training.dialogue import Dialogue, Task
from training.drawing import Cover, Drawing
from training.talk.conversation import Conversation
from training.talk.covers import ask_author, ask_title
from training.talk.question import Question
from training.talk.scenes import ask_colour
from training.talk.several import ask_all
from training.talk.sorts import ask_sort
from training.world.split import Split

SCENE = drawing(scene(shape("red square", 40, 40), shape("blue star", 160, 40)))
OTHER_SCENE = drawing(scene(shape("pink square", 40, 40), shape("green cross", 160, 40)))
BOOK, CHART = drawing(COVER), drawing(BAR_CHART)


def talk(*drawings: Drawing, seed: int, at_once: bool = True, follow_ups: float = 0.5) -> Dialogue:
    """Some questions, the pictures all at once or one after the other."""
    conversation = Conversation(random.Random(seed), Split.SEEN, drawings)
    for count in [len(drawings)] if at_once else [1] * len(drawings):
        conversation.ask_about(conversation.show(count)[-1])
        conversation.talk(3, follow_ups=follow_ups)
    return conversation.end()


def test_pictures_come_with_the_question_after_them() -> None:
    dialogue = talk(BOOK, CHART, seed=1, at_once=False)

    assert [exchange.shows for exchange in dialogue.exchanges if exchange.shows] == [(0,), (1,)]
    assert dialogue.exchanges[0].shows == (0,)


def test_a_dialogue_ends_after_eight_questions() -> None:
    conversation = Conversation(random.Random(0), Split.SEEN, [SCENE])
    conversation.show(1)
    conversation.talk(20)

    assert len(conversation.end().exchanges) == 8
    assert conversation.full


def test_of_several_pictures_the_one_that_is_meant_is_named() -> None:
    for seed in range(60):
        conversation = Conversation(random.Random(seed), Split.SEEN, [SCENE, OTHER_SCENE])
        first, second = conversation.show(2)
        conversation.ask(asked(ask_colour(first, form="square")), first)
        conversation.ask(asked(ask_colour(second, form="square")), second)
        one, other = conversation.end().exchanges

        assert re.search("first|1", one.question)
        assert re.search("second|2|last", other.question)
        assert (one.refers_back, other.refers_back) == (False, True)


def test_the_newest_picture_need_not_be_named_but_an_earlier_one_must() -> None:
    names = Counter[tuple[bool, bool]]()
    for seed in range(60):
        conversation = Conversation(random.Random(seed), Split.SEEN, [SCENE, OTHER_SCENE])
        (first,) = conversation.show(1)
        conversation.ask(asked(ask_colour(first, form="star")), first)
        (second,) = conversation.show(1)
        conversation.ask(asked(ask_colour(second, form="square")), second)
        conversation.ask(asked(ask_colour(first, form="square")), first)
        conversation.ask(asked(ask_colour(second, form="cross")), second)
        alone, new, back, after = conversation.end().exchanges

        assert not re.search("first|1st|picture 1|image 1", alone.question)
        assert re.search("first|1", back.question)
        assert re.search("second|2|last", after.question)  # else the first would be meant, just spoken of
        assert [exchange.refers_back for exchange in (alone, new, back, after)] == [False, False, True, False]
        names[bool(re.search("second|2|last", new.question)), True] += 1
    assert len(names) == 2


def test_the_only_book_may_be_meant_without_its_number() -> None:
    questions = set()
    for seed in range(60):
        conversation = Conversation(random.Random(seed), Split.SEEN, [BOOK, CHART])
        book, _ = conversation.show(2)
        conversation.ask(asked(ask_author(book)), book)
        questions.add(bool(re.search("first|1", conversation.end().exchanges[0].question)))

    assert questions == {True, False}


def test_after_a_question_about_all_pictures_one_is_named() -> None:
    for seed in range(60):
        conversation = Conversation(random.Random(seed), Split.SEEN, [SCENE, OTHER_SCENE])
        (first,) = conversation.show(1)
        conversation.ask(asked(ask_colour(first, form="star")), first)
        (second,) = conversation.show(1)
        conversation.ask(ask_all((first, second)))
        conversation.ask(asked(ask_colour(second, form="square")), second)

        assert re.search("second|2|last", conversation.end().exchanges[-1].question)


def test_is_it_a_book_names_the_picture_that_is_asked_about() -> None:
    for seed in range(60):
        conversation = Conversation(random.Random(seed), Split.SEEN, [BOOK, CHART])
        book, _ = conversation.show(2)
        conversation.ask(ask_sort(book), book)

        assert re.search("first|1", conversation.end().exchanges[0].question)


def test_what_a_question_names_is_found_in_its_picture() -> None:
    found = set()
    for seed in range(40):
        for exchange in talk(CHART, seed=seed).exchanges:
            for quote in exchange.quotes:
                name = exchange.question[quote.start : quote.stop]
                assert quote.cite.boxes == next(text.glyphs for text in CHART.texts if text.text == name)
                found.add(exchange.task)
    assert found >= {Task.COMPARISON}


def test_short_questions_follow_what_they_shorten() -> None:
    short = re.compile(r"^(and|what about|how about) the star\b", re.IGNORECASE)
    found = 0
    for seed in range(250):
        exchanges = talk(SCENE, seed=seed, follow_ups=1).exchanges
        for before, after in itertools.pairwise(exchanges):
            if short.match(after.question):
                found += 1
                assert before.task == after.task
                assert after.text in {"The star is blue.", "The star is at the top right."}
    assert found > 5


def test_it_is_what_was_last_spoken_of() -> None:
    found = 0
    for seed in range(200):
        for before, after in itertools.pairwise(talk(SCENE, seed=seed, follow_ups=1).exchanges):
            if re.search(r"what colou?r is it\b", after.question, re.IGNORECASE):
                found += 1
                form = after.text.split()[1]
                assert form in before.text
                assert not re.search("red|blue", before.text + before.question)
    assert found > 3


def test_the_same_is_asked_of_another_picture() -> None:
    found = 0
    for seed in range(200):
        exchanges = talk(SCENE, OTHER_SCENE, seed=seed, follow_ups=1).exchanges
        for before, after in itertools.pairwise(exchanges):
            if re.match(r"(and in|what about) (the \w+ )?(picture|image)", after.question, re.IGNORECASE):
                found += 1
                assert before.task == after.task
                assert after.refers_back
    assert found > 5


def test_it_is_told_what_an_answer_is_read_from() -> None:
    plain = Cover(title=text("Abc"), author=text("Dee Eff", 50, held_out=True), colour="red")
    cases = ((COVER, ask_title, (False, False)), (COVER, ask_author, (True, False)), (plain, ask_author, (False, True)))
    for cover, ask, flags in cases:
        conversation = Conversation(random.Random(0), Split.SEEN, [drawing(cover)])
        (view,) = conversation.show(1)
        conversation.ask(asked(ask(view)), view)
        (exchange,) = conversation.end().exchanges

        assert (exchange.random, exchange.held_out) == flags


def test_hardly_anything_is_told_twice() -> None:
    repeated = total = 0
    for seed in range(100):
        texts = [exchange.text for exchange in talk(drawing(SIGN), seed=seed).exchanges]
        repeated += len(texts) - len(set(texts))
        total += len(texts)

    assert repeated < 0.1 * total


def asked(question: Question | None) -> Question:
    assert question
    return question


def test_what_is_asked_of_shapes_is_not_asked_of_a_book() -> None:
    for seed in range(120):
        for exchange in talk(SCENE, BOOK, CHART, seed=seed, follow_ups=1).exchanges:
            if exchange.text.startswith(("There are no", "No, there is no", "The background")):
                assert not re.search("second|third|last|2|3", exchange.question)
