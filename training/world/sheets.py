"""What is read is written on a sheet: the whole picture, or a framed part of it."""

import random

import msgspec

from training.drawing import Box, Drawing, Page
from training.world.canvas import Canvas, Size
from training.world.chance import chance
from training.world.colours import RGB, Paint, draw_ink, draw_paint
from training.world.lettering import Lettering


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """What a page is written on."""

    size: Size
    surround: RGB
    ground: Paint
    box: Box
    inner: Box  # within the margins
    frame: tuple[int, RGB] | None  # thickness in pixels

    @property
    def width(self) -> float:
        """Within the margins."""
        return self.inner[2] - self.inner[0]

    @property
    def height(self) -> float:
        """Within the margins."""
        return self.inner[3] - self.inner[1]


class PageSketch(msgspec.Struct, frozen=True, kw_only=True):
    """Something to read, before it is drawn."""

    what: str
    sheet: Sheet
    rows: tuple[tuple[Lettering, ...], ...]
    rules: tuple[tuple[Box, RGB], ...] = ()  # lines between rows and columns

    def draw(self) -> Drawing:
        """The picture."""
        sheet = self.sheet
        canvas = Canvas(sheet.size, sheet.surround)
        canvas.fill(sheet.box, sheet.ground.rgb)
        if sheet.frame:
            canvas.frame(sheet.box, sheet.frame[1], sheet.frame[0])
        for box, rgb in self.rules:
            canvas.fill(box, rgb)
        rows = tuple(tuple(canvas.write(lettering) for lettering in row) for row in self.rows)
        return Drawing(image=canvas.image, facts=Page(what=self.what, rows=rows, colour=sheet.ground.name))


def draw_sheet(rng: random.Random, size: Size, ground: Paint, *, inset: float) -> Sheet:
    """The whole picture, or with the chance of `inset` a part of it with another colour around."""
    left = top = 0
    surround, frame = ground.rgb, None
    thick = max(1, round(size.unit * rng.uniform(1, 4)))
    if chance(rng, inset):
        surround = draw_paint(rng).rgb
        left, top = (round(rng.uniform(0.02, 0.08) * size.shorter) for _ in range(2))
    if left or chance(rng, 0.25):
        frame = (thick, draw_ink(rng, ground.rgb))
    box = (left, top, size.width - left, size.height - top)
    margin = rng.uniform(0.02, 0.055) * size.shorter + (thick if frame else 0)
    inner = (box[0] + margin, box[1] + margin, box[2] - margin, box[3] - margin)
    return Sheet(size=size, surround=surround, ground=ground, box=box, inner=inner, frame=frame)


def draw_paper(rng: random.Random) -> Paint:
    """White, mostly."""
    return draw_paint(rng, ("white",)) if chance(rng, 0.7) else draw_paint(rng)
