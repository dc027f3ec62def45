"""What people say besides asking."""

import random

from training.dialogue import Task
from training.talk.question import Question, say

ANSWERS = {
    "greeting.hello": "Hello! Please ask me about the picture.",
    "greeting.abilities": "I can describe pictures, read titles and compare two pictures.",
    "greeting.thanks": "You're welcome!",
}


def draw_greeting(rng: random.Random, *, last: bool) -> Question:
    """Thanks come at the end."""
    kind = "greeting.thanks" if last else rng.choice(("greeting.hello", "greeting.abilities"))
    return Question(task=Task.GREETING, wording=kind, answer=say(ANSWERS[kind]), tells=frozenset({kind}))
