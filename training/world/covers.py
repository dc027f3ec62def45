"""Book covers: a title, an author in smaller letters, perhaps an emblem, on a coloured ground."""

import math
import random

import msgspec

from training.drawing import Cover, Drawing
from training.world.canvas import Canvas, Size, Stamp, draw_size, draw_way
from training.world.chance import chance
from training.world.colours import RGB, Paint, draw_ink, draw_paint, draw_paint_on
from training.world.faces import draw_face, load_font
from training.world.forms import FORMS
from training.world.layout import draw_align, stack
from training.world.lettering import Block, Lettering, fit
from training.world.split import Split
from training.world.words import Wording, draw_author, draw_wording

TITLE_OVER_AUTHOR = 1.15  # letters of a title are at least this much taller
TRIES = 12  # for a title, before the author's size is drawn anew
ORDERS = (
    ("title", "author"),
    ("title", "emblem", "author"),
    ("author", "title"),
    ("author", "title", "emblem"),
    ("author", "emblem", "title"),
    ("title", "author", "emblem"),
    ("emblem", "title", "author"),
)
WEIGHTS = (5, 4, 2, 1, 1, 1, 1)


class CoverSketch(msgspec.Struct, frozen=True, kw_only=True):
    """A cover before it is drawn."""

    size: Size
    ground: Paint
    title: Lettering
    author: Lettering
    emblem: Stamp | None
    frame: tuple[int, int, RGB] | None  # see `_draw_frame`

    def draw(self) -> Drawing:
        """The picture."""
        canvas = Canvas(self.size, self.ground.rgb)
        if self.frame:
            inset, thick, rgb = self.frame
            canvas.frame((inset, inset, self.size.width - inset, self.size.height - inset), rgb, thick)
        emblem = canvas.stamp(self.emblem) if self.emblem else None
        title, author = canvas.write(self.title), canvas.write(self.author)
        return Drawing(
            image=canvas.image, facts=Cover(title=title, author=author, colour=self.ground.name, emblem=emblem)
        )


def draw_cover(rng: random.Random, split: Split) -> Drawing:
    """A cover. Its title has one to three words over one or two lines."""
    return sketch_cover(rng, split).draw()


def sketch_cover(rng: random.Random, split: Split) -> CoverSketch:
    """See `draw_cover`."""
    size = draw_size(rng, square=3, landscape=2, portrait=6, wide=1)
    ground = draw_paint(rng)
    margin = rng.uniform(0.05, 0.1) * size.shorter
    height, gap = size.height - 2 * margin, 6 * size.unit
    order = rng.choices(ORDERS, WEIGHTS)[0]
    side = round(rng.uniform(0.17, 0.35) * size.shorter) if "emblem" in order else 0
    while True:
        title, author = _draw_blocks(rng, split, size, size.width - 2 * margin)
        heights = {"title": title.height, "author": author.height, "emblem": side}
        if sum(heights.values()) + gap * (len(order) - 1) <= height:
            break
        if chance(rng, 0.3):  # an emblem may be what has no room
            order, side = ORDERS[0], 0
    stacked = stack(rng, [heights[part] for part in order], margin, height=height, gap=gap)
    tops = dict(zip(order, stacked, strict=True))
    align = draw_align(rng)
    x, shift = {"left": (margin, 0.0), "middle": (size.width / 2, 0.5), "right": (size.width - margin, 1.0)}[align]
    inks = [draw_ink(rng, ground.rgb), draw_ink(rng, ground.rgb)]
    if chance(rng, 0.7):
        inks[1] = inks[0]
    return CoverSketch(
        size=size,
        ground=ground,
        title=title.placed(x, tops["title"], align=align, ink=inks[0], ground=ground.rgb),
        author=author.placed(x, tops["author"], align=align, ink=inks[1], ground=ground.rgb),
        emblem=_draw_emblem(rng, ground, (round(x - shift * side), round(tops["emblem"])), side) if side else None,
        frame=_draw_frame(rng, size, ground, margin) if chance(rng, 0.2) else None,
    )


def _draw_blocks(rng: random.Random, split: Split, size: Size, width: float) -> tuple[Block, Block]:
    """Title and author, that fit into a width."""
    face = draw_face(rng, split)
    other_face = face if chance(rng, 0.5) else draw_face(rng, split)
    title = author = None
    while not author:
        author = _fit(rng, draw_author(rng, split), other_face, width, sizes=(size.letters, 1.5))
    # Faces differ in how tall their letters are at one size.
    over = TITLE_OVER_AUTHOR * author.font.rise / load_font(face, author.size_px).rise
    least = math.ceil(author.size_px * max(1.0, over))
    for _ in range(TRIES):
        title = _fit(rng, draw_title(rng, split), face, width, sizes=(least, 2.0))
        if title:
            return title, author
    return _draw_blocks(rng, split, size, width)  # so large letters may suit no title


def _fit(rng: random.Random, wording: Wording, face: str, width: float, *, sizes: tuple[int, float]) -> Block | None:
    """Over one or two lines, in the smallest size or up to some times that."""
    smallest, times = sizes
    return fit(rng, wording, face, width=width, smallest=smallest, biggest=smallest * times, most_lines=2)


def _draw_emblem(rng: random.Random, ground: Paint, corner: tuple[int, int], side: int) -> Stamp:
    form = rng.choice(FORMS)
    paint = draw_paint_on(rng, ground)
    return Stamp(form=form, way=draw_way(rng, form), paint=paint, left=corner[0], top=corner[1], side=side)


def _draw_frame(rng: random.Random, size: Size, ground: Paint, margin: float) -> tuple[int, int, RGB]:
    """Its distance from the edge and its thickness in pixels, and its colour."""
    return round(margin * 0.4), max(1, round(size.unit * rng.uniform(1, 3))), draw_ink(rng, ground.rgb)


def draw_title(rng: random.Random, split: Split) -> Wording:
    """One to three words."""
    return draw_wording(rng, split, words=rng.choices((1, 2, 3), (5, 4, 1))[0])
