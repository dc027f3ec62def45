"""Questions that nothing in the picture answers."""

import random

from training.dialogue import Task
from training.drawing import Chart, Cover, Scene
from training.talk.charts import STANDING
from training.talk.question import Question, View, say
from training.world.colours import COLOURS
from training.world.forms import FORMS

REFUSAL = "I can't see that in the picture."
ANYWHERE = "refusal.any"  # no picture of this world answers it
ROUGHLY_ANYWHERE = {"square", "circle"}  # bars, frames, pies and points look like them
GOODS = ("coffee", "bread", "milk", "tea", "cheese", "rice", "soap", "juice")


def draw_refusal(rng: random.Random, view: View) -> Question:
    """About people and prices, or what other sorts of pictures have, or things that are not there."""
    kinds: tuple[str, ...]
    match view.drawing.facts:
        case Cover():
            kinds = ("refusal.book", "refusal.book", "refusal.bar", "chart.labels", "scene.colour", ANYWHERE)
        case Chart(labels=labels):
            kinds = ("refusal.chart", "refusal.chart", "cover.author", "scene.colour", "scene.where", ANYWHERE)
            return _refuse(rng.choice(kinds), view, rng, name=rng.choice(labels).text)
        case Scene():
            own = ("scene.colour", "scene.colour", "scene.where", "scene.where", "scene.shape")
            kinds = (*own, "cover.author", "cover.title", "cover.both", "refusal.bar", "page.total", ANYWHERE)
        case page:
            kinds = ("refusal.page", "cover.author", "refusal.bar", "scene.colour", ANYWHERE)
            if page.what == "receipt":
                kinds = ("page.price", "page.price", *kinds)
    return _refuse(rng.choice(kinds), view, rng)


def _refuse(kind: str, view: View, rng: random.Random, *, name: str = "") -> Question:
    forms, colours = {shape.form for shape in view.drawing.shapes}, {shape.colour for shape in view.drawing.shapes}
    if isinstance(scene := view.drawing.facts, Scene):
        colours.add(scene.background)
    read = {text.text.lower() for text in view.drawing.texts}
    if kind.startswith("scene."):
        plain = set() if isinstance(view.drawing.facts, Scene) else ROUGHLY_ANYWHERE
        name = rng.choice([form for form in FORMS if form not in forms | plain])
    elif kind == "page.price":
        name = rng.choice([good for good in GOODS if good not in read])
    fills = {
        "name": name,
        "colour": rng.choice([colour for colour in COLOURS if colour not in colours]),
        "what": getattr(view.drawing.facts, "what", "picture"),
        "largest": STANDING.largest,
        "marks": STANDING.marks,
    }
    return Question(
        task=Task.REFUSAL, wording=kind, fills=fills, answer=say(REFUSAL), tells=frozenset({f"{kind} {name}"})
    )
