"""Pairs of drawings that differ in exactly one fact, in none, or altogether; and the odd one out of several."""

import enum
import functools
import random
from collections.abc import Callable

import msgspec

from training.drawing import Box, Chart, Drawing, Page, Shape, Text
from training.world.axes import sketch_axes
from training.world.canvas import Size, Stamp, draw_way
from training.world.charts import draw_chart
from training.world.colours import LEAST_CONTRAST, Paint, clearly_apart, contrast, draw_paint, draw_paint_on
from training.world.covers import draw_cover, draw_title, sketch_cover
from training.world.forms import FORMS
from training.world.labels import LEAST_BAR, well_apart
from training.world.lettering import Lettering, fit
from training.world.pages import draw_page, sketch_page
from training.world.scenes import MOST_SHAPES, SceneSketch, draw_place, draw_scene, sketch_scene
from training.world.split import Split
from training.world.words import Wording, draw_author, draw_wording

CLEARLY = 0.18  # of the axis: how much a changed bar grows or shrinks at least
FAR = 0.22  # of the longer side: how far a shape moves at least
TRIES = 30


class What(enum.StrEnum):
    """What became different."""

    NOTHING = "nothing"
    COLOUR = "colour"  # of a shape
    FORM = "form"
    GONE = "gone"
    NEW = "new"
    MOVED = "moved"
    BACKGROUND = "background"
    TITLE = "title"
    AUTHOR = "author"
    COVER = "cover"  # its colour
    BAR = "bar"
    WORD = "word"  # a line of a sign or a page
    ALTOGETHER = "altogether"


class Mark(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A bar or a point, and the label below it."""

    label: Text
    value: float
    box: Box


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """`before` and `after`: shapes, lines of text, names of colours, or marks; nothing for what is not there."""

    what: What
    before: Shape | Text | Mark | str | None = None
    after: Shape | Text | Mark | str | None = None


Pair = tuple[Drawing, Drawing, Change]
WEIGHTS = {
    What.NOTHING: 4,
    What.COLOUR: 4,
    What.FORM: 3,
    What.GONE: 3,
    What.NEW: 3,
    What.MOVED: 3,
    What.BACKGROUND: 2,
    What.TITLE: 2,
    What.AUTHOR: 2,
    What.COVER: 2,
    What.BAR: 2,
    What.WORD: 2,
    What.ALTOGETHER: 2,
}


def draw_pair(rng: random.Random, split: Split, *, what: What | None = None) -> Pair:
    """Two drawings and what became different; all else is drawn in identical places."""
    what = what or rng.choices(tuple(WEIGHTS), tuple(WEIGHTS.values()))[0]
    return CHANGES[what](rng, split, what)


def draw_odd_one_out(rng: random.Random, split: Split, *, count: int | None = None) -> tuple[tuple[Drawing, ...], int]:
    """Three or four scenes of which all but one are the same, and the place of that one."""
    count = count or rng.randint(3, 4)
    what = rng.choice((What.COLOUR, What.FORM, What.GONE, What.NEW, What.BACKGROUND))
    same, odd, _ = draw_pair(rng, split, what=what)
    place = rng.randrange(count)
    return tuple(odd if n == place else again(same, n) for n in range(count)), place


def again(drawing: Drawing, copy: int) -> Drawing:
    """The same to the eye, in other bytes: the product takes a file that it knows already for the same picture."""
    image = drawing.image.copy()
    red, green, blue = image.getpixel((copy, 0))  # type: ignore[misc]  # Pillow's type does not know the mode
    image.putpixel((copy, 0), (red - 1 if red else 1, green, blue))
    return msgspec.structs.replace(drawing, image=image)


def _nothing(rng: random.Random, split: Split, what: What) -> Pair:
    drawing = _draw_any(rng, split)
    return drawing, again(drawing, 1), Change(what=what)


def _altogether(rng: random.Random, split: Split, what: What) -> Pair:
    return _draw_any(rng, split), _draw_any(rng, split), Change(what=what)


def _draw_any(rng: random.Random, split: Split) -> Drawing:
    return rng.choices((draw_scene, draw_cover, draw_chart, draw_page), (4, 2, 2, 2))[0](rng, split)


def _change_scene(rng: random.Random, split: Split, what: What) -> Pair:
    """One shape of another colour or form, gone, new or elsewhere."""
    fewest = 2 if what in {What.GONE, What.NEW} else 1
    while True:
        scene = sketch_scene(rng, split, count=rng.randint(fewest, MOST_SHAPES))
        n = rng.randrange(len(scene.stamps))
        stamp, left, right = scene.stamps[n], scene.stamps[:n], scene.stamps[n + 1 :]
        if what in {What.GONE, What.NEW}:
            less = msgspec.structs.replace(scene, stamps=(*left, *right))
            if what is What.GONE:
                return scene.draw(), less.draw(), Change(what=what, before=stamp.shape)
            return less.draw(), scene.draw(), Change(what=what, after=stamp.shape)
        if changed := _change_stamp(rng, scene, stamp, [*left, *right], what):
            after = msgspec.structs.replace(scene, stamps=(*left, changed, *right))
            return scene.draw(), after.draw(), Change(what=what, before=stamp.shape, after=changed.shape)


def _change_stamp(
    rng: random.Random, scene: SceneSketch, stamp: Stamp, others: list[Stamp], what: What
) -> Stamp | None:
    """What it becomes; nothing where it cannot move."""
    if what is What.MOVED:
        return _move(rng, scene.size, stamp, others)
    taken = {(other.form, other.paint.name) for other in [stamp, *others]}
    if what is What.FORM:
        free = [form for form in FORMS if (form, stamp.paint.name) not in taken]
        form = rng.choice(free)
        return msgspec.structs.replace(stamp, form=form, way=draw_way(rng, form))
    while True:
        paint = draw_paint_on(rng, scene.ground)
        if (stamp.form, paint.name) not in taken and clearly_apart(paint.rgb, stamp.paint.rgb):
            return msgspec.structs.replace(stamp, paint=paint)


def _move(rng: random.Random, size: Size, stamp: Stamp, others: list[Stamp]) -> Stamp | None:
    """Somewhere clearly else, if there is room."""
    for _ in range(TRIES):
        place = draw_place(rng, size, others, stamp.side)
        if place and max(abs(place[0] - stamp.left), abs(place[1] - stamp.top)) >= FAR * size.longer:
            return msgspec.structs.replace(stamp, left=place[0], top=place[1])
    return None


def _change_background(rng: random.Random, split: Split, what: What) -> Pair:
    """Another ground, on which all shapes are still clearly seen."""
    while True:
        before = sketch_scene(rng, split, count=rng.randint(1, 4))
        shown = [stamp.paint for stamp in before.stamps]
        if ground := _other_paint(rng, before.ground, shown):
            after = msgspec.structs.replace(before, ground=ground)
            change = Change(what=what, before=before.ground.name, after=ground.name)
            return before.draw(), after.draw(), change


def _change_cover(rng: random.Random, split: Split, what: What) -> Pair:
    """Another colour, on which all letters can still be read."""
    while True:
        before = sketch_cover(rng, split)
        shown = [before.emblem.paint] if before.emblem else []
        letters = [before.title.ink, before.author.ink]
        ground = _other_paint(rng, before.ground, shown)
        if ground and all(contrast(ink, ground.rgb) >= LEAST_CONTRAST for ink in letters):
            after = msgspec.structs.replace(
                before,
                ground=ground,
                title=msgspec.structs.replace(before.title, ground=ground.rgb),
                author=msgspec.structs.replace(before.author, ground=ground.rgb),
            )
            change = Change(what=what, before=before.ground.name, after=ground.name)
            return before.draw(), after.draw(), change


def _other_paint(rng: random.Random, paint: Paint, shown: list[Paint]) -> Paint | None:
    """A colour of another name, clearly apart from what is shown on it."""
    for _ in range(TRIES):
        other = draw_paint(rng)
        if all(other.name != seen.name and clearly_apart(other.rgb, seen.rgb) for seen in [paint, *shown]):
            return other
    return None


def _change_letters(rng: random.Random, split: Split, what: What) -> Pair:
    """Another title or author of a cover."""
    part, draw_other = ("title", draw_title) if what is What.TITLE else ("author", draw_author)
    while True:
        before = sketch_cover(rng, split)
        if other := _rewrite(rng, getattr(before, part), functools.partial(draw_other, rng, split)):
            first, second = before.draw(), msgspec.structs.replace(before, **{part: other}).draw()
            change = Change(what=what, before=getattr(first.facts, part), after=getattr(second.facts, part))
            return first, second, change


def _change_word(rng: random.Random, split: Split, what: What) -> Pair:
    """Another line on a sign or a page."""
    while True:
        before = sketch_page(rng, split, what=rng.choice(("sign", "sign", "page")))
        n = rng.randrange(len(before.rows))
        (line,) = before.rows[n]
        draw = functools.partial(draw_wording, rng, split, words=len(line.block.lines[0].split()))
        if other := _rewrite(rng, line, draw):
            rows = (*before.rows[:n], (other,), *before.rows[n + 1 :])
            first, second = before.draw(), msgspec.structs.replace(before, rows=rows).draw()
            return first, second, Change(what=what, before=_row(first, n), after=_row(second, n))


def _row(drawing: Drawing, n: int) -> Text:
    assert isinstance(drawing.facts, Page)
    return drawing.facts.rows[n][0]


def _rewrite(rng: random.Random, lettering: Lettering, draw: Callable[[], Wording]) -> Lettering | None:
    """Other words in the same place and size, no wider than those that were there; nothing where none is found."""
    block = lettering.block
    for _ in range(TRIES):
        wording = draw()
        fresh = fit(
            rng,
            wording,
            block.face,
            width=block.width,
            smallest=block.size_px,
            biggest=block.size_px,
            most_lines=len(block.lines),
        )
        if fresh and wording.text.lower() != block.wording.text.lower():
            return msgspec.structs.replace(lettering, block=fresh)
    return None


def _change_bar(rng: random.Random, split: Split, what: What) -> Pair:
    """One bar clearly longer or shorter, the largest and the smallest still apart from the others."""
    while True:
        before = sketch_axes(rng, split, what="bar")
        n = rng.randrange(len(before.values))
        for _ in range(TRIES):
            value = rng.uniform(LEAST_BAR, 1)
            values = (*before.values[:n], value, *before.values[n + 1 :])
            if abs(value - before.values[n]) >= CLEARLY and well_apart(values):
                first, second = before.draw(), msgspec.structs.replace(before, values=values).draw()
                return first, second, Change(what=what, before=_mark(first, n), after=_mark(second, n))


def _mark(drawing: Drawing, n: int) -> Mark:
    assert isinstance(drawing.facts, Chart)
    return Mark(label=drawing.facts.labels[n], value=drawing.facts.values[n], box=drawing.facts.marks[n])


CHANGES: dict[What, Callable[[random.Random, Split, What], Pair]] = {
    What.NOTHING: _nothing,
    What.COLOUR: _change_scene,
    What.FORM: _change_scene,
    What.GONE: _change_scene,
    What.NEW: _change_scene,
    What.MOVED: _change_scene,
    What.BACKGROUND: _change_background,
    What.TITLE: _change_letters,
    What.AUTHOR: _change_letters,
    What.COVER: _change_cover,
    What.BAR: _change_bar,
    What.WORD: _change_word,
    What.ALTOGETHER: _altogether,
}
