"""Scenes: one to six coloured shapes on a plain ground, none touching another."""

import random

import msgspec

from training.drawing import Drawing, Scene
from training.world.canvas import Canvas, Size, Stamp, draw_size, draw_way
from training.world.chance import chance
from training.world.colours import Paint, draw_paint, draw_paint_on
from training.world.forms import FORMS
from training.world.split import Split

MOST_SHAPES = 6
GAP = 7  # units between two shapes, and to the border
SIDES = (32, 84)  # units, of the square around a shape
PARTS = (0.3, 0.6)  # and of the shorter side at most
TRIES = 40  # for a place before shapes are made smaller


class SceneSketch(msgspec.Struct, frozen=True, kw_only=True):
    """A scene before it is drawn."""

    size: Size
    ground: Paint
    stamps: tuple[Stamp, ...]

    def draw(self) -> Drawing:
        """The picture."""
        canvas = Canvas(self.size, self.ground.rgb)
        shapes = tuple(canvas.stamp(stamp) for stamp in self.stamps)
        return Drawing(image=canvas.image, facts=Scene(shapes=shapes, background=self.ground.name))


def draw_scene(rng: random.Random, split: Split = Split.SEEN, *, count: int | None = None) -> Drawing:
    """A scene of `count` shapes. No two have both form and colour in common. Nothing in it depends on the split."""
    return sketch_scene(rng, split, count=count).draw()


def sketch_scene(rng: random.Random, _split: Split = Split.SEEN, *, count: int | None = None) -> SceneSketch:
    """See `draw_scene`."""
    count = count or rng.randint(1, MOST_SHAPES)
    size = draw_size(rng, square=4, landscape=4, portrait=2, wide=1, banner=1)
    ground = draw_ground(rng)
    smallest, biggest = (min(side * size.unit, part * size.shorter) for side, part in zip(SIDES, PARTS, strict=True))
    stamps: list[Stamp] = []
    alike = chance(rng, 0.3)  # all of one size
    common = rng.uniform(smallest, biggest)
    while len(stamps) < count:
        form, paint = draw_kind(rng, ground, stamps)
        side = common if alike else rng.uniform(smallest, biggest)
        if place := draw_place(rng, size, stamps, side):
            stamps.append(
                Stamp(form=form, way=draw_way(rng, form), paint=paint, left=place[0], top=place[1], side=round(side))
            )
        else:
            common = biggest = max(smallest, biggest * 0.85)
            if biggest == smallest:  # no room is left between them: anew
                stamps.clear()
    return SceneSketch(size=size, ground=ground, stamps=tuple(stamps))


def draw_ground(rng: random.Random) -> Paint:
    """White, every second time."""
    return draw_paint(rng, ("white",)) if chance(rng, 0.5) else draw_paint(rng)


def draw_kind(rng: random.Random, ground: Paint, others: list[Stamp]) -> tuple[str, Paint]:
    """A form and a colour that no other shape has both of, though often it has the one or the other."""
    taken = {(other.form, other.paint.name) for other in others}
    while True:
        form = rng.choice(others).form if others and chance(rng, 0.2) else rng.choice(FORMS)
        paint = draw_paint_on(rng, ground)
        if others and chance(rng, 0.15):
            paint = rng.choice(others).paint
        if (form, paint.name) not in taken:
            return form, paint


def draw_place(rng: random.Random, size: Size, others: list[Stamp], side: float) -> tuple[int, int] | None:
    """Left and top of a square that is free of others, or nothing."""
    gap = GAP * size.unit
    for _ in range(TRIES):
        left = round(rng.uniform(gap, size.width - gap - side))
        top = round(rng.uniform(gap, size.height - gap - side))
        if all(
            left > other.left + other.side + gap
            or left + side + gap < other.left
            or top > other.top + other.side + gap
            or top + side + gap < other.top
            for other in others
        ):
            return left, top
    return None
