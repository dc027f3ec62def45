import random

from tests.training.talk.saying import said
from training.talk.greetings import draw_greeting


def test_a_greeting_is_returned_and_thanks_come_last() -> None:
    first = {said(draw_greeting(random.Random(seed), last=False)) for seed in range(30)}

    assert first == {
        "Hello! Please ask me about the picture.",
        "I can describe pictures, read titles and compare two pictures.",
    }
    assert said(draw_greeting(random.Random(0), last=True)) == "You're welcome!"
