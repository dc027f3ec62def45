"""Draws whole dialogues: pictures, and what is asked about them."""

import functools
import random
from collections.abc import Callable

from training.dialogue import Dialogue
from training.drawing import Drawing, Shape
from training.talk.conversation import Conversation
from training.talk.differences import ask_difference, ask_odd_one, ask_same
from training.talk.greetings import draw_greeting
from training.talk.mixture import MIXES, Mix
from training.talk.scenes import ask_colour
from training.talk.several import ask_all
from training.talk.sorts import ask_sort
from training.world import (
    Split,
    draw_chart,
    draw_cover,
    draw_odd_one_out,
    draw_page,
    draw_pair,
    draw_primer,
    draw_scene,
)
from training.world.chance import chance

Draw = Callable[[random.Random, Split], Drawing]

MOST_PICTURES = 4
GREETING, THANKS = 0.03, 0.015  # shares of the dialogues


def draw_dialogue(rng: random.Random, split: Split, *, mix: Mix | str | None = None, chatter: float = 1.0) -> Dialogue:
    """One to four pictures and one to eight questions about them. `mix`: weights, or the name of some of `MIXES`.

    `chatter` is how many times more are asked about the same pictures.

    Raises:
        KeyError: no mix has this name.
    """
    chosen = mix if isinstance(mix, Mix) else MIXES[mix or "all"]
    (draw,) = rng.choices(KINDS, chosen.weights)
    conversation = draw(rng, split, chatter)
    if not conversation.full and chance(rng, THANKS):
        conversation.ask(draw_greeting(rng, last=True))
    return conversation.end()


def _draw_alone(draw: Draw, rng: random.Random, split: Split, chatter: float) -> Conversation:
    """About one picture."""
    conversation = Conversation(rng, split, [draw(rng, split)], chatter=chatter)
    (view,) = conversation.show(1)
    if chance(rng, GREETING):
        conversation.ask(draw_greeting(rng, last=False))
    conversation.ask_about(view)
    conversation.talk(rng.choices(range(8), (1, 2, 3, 4, 4, 4, 3, 2))[0])
    return conversation


def _draw_pair(rng: random.Random, split: Split, chatter: float) -> Conversation:
    """About two pictures that may differ, shown together or one after the other."""
    first, second, change = draw_pair(rng, split)
    conversation = Conversation(rng, split, (first, second), chatter=chatter)
    later = chance(rng, 0.25)
    if later:
        conversation.ask_about(*conversation.show(1))
        conversation.talk(rng.randrange(2))
        conversation.show(1)
    else:
        conversation.show(2)
    before, after = conversation.views
    first_of_all = rng.choices(("same", "about one", "difference"), (2, 1, 7))[0]
    if first_of_all == "same":
        conversation.ask(ask_same(before, after, change, doubting=chance(rng, 0.4)))
    elif first_of_all == "about one":
        conversation.ask_about(rng.choice((before, after)))
    if first_of_all == "difference" or chance(rng, 0.6):
        conversation.ask(ask_difference(before, after, change, later=later))
    if isinstance(change.after, Shape) and chance(rng, 0.4):
        view = rng.choice((before, after))
        if question := ask_colour(view, form=change.after.form):
            conversation.ask(question, view)
    conversation.talk(rng.randrange(5), together=0.05)
    return conversation


def _draw_odd_one(rng: random.Random, split: Split, chatter: float) -> Conversation:
    """About three or four pictures of which one is different."""
    drawings, place = draw_odd_one_out(rng, split)
    conversation = Conversation(rng, split, drawings, chatter=chatter)
    conversation.ask(ask_odd_one(conversation.show(len(drawings)), place))
    conversation.talk(rng.randint(0, 3), together=0.05)
    return conversation


def _draw_several(rng: random.Random, split: Split, chatter: float) -> Conversation:
    """About two to four pictures of any sorts, that come in one turn or in several."""
    count = rng.choices((2, 3, MOST_PICTURES), (5, 3, 2))[0]
    draws = rng.choices((draw_cover, draw_chart, draw_scene, draw_page), (3, 3, 3, 2), k=count)
    conversation = Conversation(rng, split, [draw(rng, split) for draw in draws], chatter=chatter)
    while len(conversation.views) < count:
        left = count - len(conversation.views)
        views = conversation.show(left if chance(rng, 0.4) else rng.randint(1, left))
        if len(views) == len(conversation.views) > 1 and chance(rng, 0.2):
            conversation.ask(ask_all(views))
        elif not chance(rng, 0.2) or not conversation.ask_elsewhere():
            conversation.ask_about(rng.choice(views))
        conversation.talk(rng.randrange(3))
    conversation.talk(rng.randrange(4))
    return conversation


def _draw_primer(rng: random.Random, split: Split, chatter: float) -> Conversation:
    """About a sheet of letters: what it is. Its letters are learnt without words."""
    conversation = Conversation(rng, split, [draw_primer(rng, split)], chatter=chatter)
    (view,) = conversation.show(1)
    conversation.ask(ask_sort(view), view)
    return conversation


# In the order of the fields of `Mix`.
KINDS: tuple[Callable[[random.Random, Split, float], Conversation], ...] = (
    functools.partial(_draw_alone, draw_cover),
    functools.partial(_draw_alone, draw_page),
    functools.partial(_draw_alone, draw_chart),
    functools.partial(_draw_alone, draw_scene),
    _draw_pair,
    _draw_odd_one,
    _draw_several,
    functools.partial(_draw_alone, functools.partial(draw_chart, what="pie")),
    _draw_primer,
)
