"""Which questions a picture gives."""

import random

from training.drawing import Chart, Cover, Drawing, Page, Scene
from training.talk.charts import CHARTS
from training.talk.covers import COVERS
from training.talk.pages import SIGNS
from training.talk.question import Deck, Question, View
from training.talk.receipts import RECEIPTS
from training.talk.refusals import draw_refusal
from training.talk.scenes import SCENES
from training.talk.sorts import SORT
from training.talk.tables import TABLES
from training.world.chance import chance

SORT_SHARE = 0.04
REFUSAL_SHARE = 0.05


def draw_question(rng: random.Random, view: View) -> Question | None:
    """One of any that it gives; None where a few tries found none."""
    if chance(rng, REFUSAL_SHARE):
        return draw_refusal(rng, view)
    return (SORT if chance(rng, SORT_SHARE) else deck_of(view.drawing)).draw(rng, view)


def deck_of(drawing: Drawing) -> Deck:
    """Of its subject."""
    match drawing.facts:
        case Cover():
            return COVERS
        case Chart():
            return CHARTS
        case Scene():
            return SCENES
        case Page(what="receipt"):
            return RECEIPTS
        case Page(what="table"):
            return TABLES
        case Page():
            return SIGNS
