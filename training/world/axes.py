"""Charts with an axis: bars, upright or lying, and lines."""

import random

import msgspec

from training.drawing import Box, Chart, Drawing
from training.world.canvas import Canvas, Size, draw_size
from training.world.chance import chance
from training.world.colours import RGB, Paint, draw_ink, draw_paint, draw_paint_on, mix
from training.world.faces import draw_face
from training.world.labels import draw_labels, draw_values
from training.world.lettering import Align, Block, Lettering, fit, one_line
from training.world.split import Split
from training.world.words import draw_wording

MOST_MARKS = 6
BORDERS = ("base", "corner", "frame")


class AxesSketch(msgspec.Struct, frozen=True, kw_only=True):
    """A chart with an axis, before it is drawn."""

    what: str  # "bar" or "line"
    lying: bool
    size: Size
    ground: Paint
    plot: Box  # from no value to all of the axis, and from the first slot to the last
    values: tuple[float, ...]
    labels: tuple[Lettering, ...]
    title: Lettering | None
    paints: tuple[RGB, ...]  # of bars; of a line the first
    thick: float  # bars: part of their slot; lines: pixels
    pen: RGB  # of the axis
    grid: int  # lines across
    border: str  # "base": where bars stand; "corner": and beside it; "frame": all around

    def draw(self) -> Drawing:
        """The picture."""
        canvas = Canvas(self.size, self.ground.rgb)
        self._draw_axis(canvas)
        marks = self.marks
        if self.what == "bar":
            for mark, rgb in zip(marks, self.paints, strict=True):
                canvas.fill(mark, rgb)
        else:
            points = [((left + right) / 2, (top + bottom) / 2) for left, top, right, bottom in marks]
            canvas.pen.line(points, self.paints[0], round(self.thick), "curve")
            for mark in marks:
                canvas.pen.ellipse(mark, fill=self.paints[0])
        facts = Chart(
            what=self.what,
            labels=tuple(canvas.write(label) for label in self.labels),
            values=self.values,
            marks=marks,
            title=canvas.write(self.title) if self.title else None,
            lying=self.lying,
        )
        return Drawing(image=canvas.image, facts=facts)

    @property
    def marks(self) -> tuple[Box, ...]:
        """The boxes of bars, or of points."""
        return tuple(self._mark(n, value) for n, value in enumerate(self.values))

    def _mark(self, n: int, value: float) -> Box:
        left, top, right, bottom = self.plot
        if self.lying:
            slot = (bottom - top) / len(self.values)
            middle = top + (n + 0.5) * slot
            half = slot * self.thick / 2
            return (left, round(middle - half), round(left + value * (right - left)), round(middle + half))
        slot = (right - left) / len(self.values)
        middle = left + (n + 0.5) * slot
        height = bottom - value * (bottom - top)
        if self.what == "line":
            radius = max(2.0, self.thick * 1.4)
            return (middle - radius, height - radius, middle + radius, height + radius)
        half = slot * self.thick / 2
        return (round(middle - half), round(height), round(middle + half), bottom)

    def _draw_axis(self, canvas: Canvas) -> None:
        left, top, right, bottom = self.plot
        thick = max(1, round(self.size.unit))
        faint = mix(self.ground.rgb, self.pen, 0.25)
        for n in range(1, self.grid + 1):
            if self.lying:
                x = left + (right - left) * n / self.grid
                canvas.fill((round(x) - thick, top, round(x), bottom), faint)
            else:
                y = bottom - (bottom - top) * n / self.grid
                canvas.fill((left, round(y), right, round(y) + thick), faint)
        if self.border == "frame":
            canvas.frame((left - thick, top - thick, right + thick, bottom + thick), self.pen, thick)
        if self.lying or self.border == "corner":
            canvas.fill((left - thick, top, left, bottom + thick), self.pen)
        if not self.lying or self.border == "corner":
            canvas.fill((left - thick, bottom, right, bottom + thick), self.pen)


def sketch_axes(rng: random.Random, split: Split, *, what: str) -> AxesSketch:
    """A "bar" or "line" chart; every fourth bar chart has lying bars."""
    lying = what == "bar" and chance(rng, 0.25)
    size = draw_size(rng, square=4, landscape=5, portrait=1, wide=0 if lying else 1)
    ground = draw_chart_ground(rng)
    margin = rng.uniform(4, 9) * size.unit
    title = draw_chart_title(rng, split, size)
    top = margin + (title.height + 6 * size.unit if title else 0)
    pen = draw_ink(rng, ground.rgb)
    lay_out = _lay_lying if lying else _lay_upright
    plot, labels = lay_out(rng, split, size, (margin, top), ink=pen, ground=ground.rgb)
    align: Align = "middle" if chance(rng, 0.75) else "left"
    x = size.width / 2 if align == "middle" else margin
    count = len(labels)
    one = draw_paint_on(rng, ground).rgb
    varied = what == "bar" and chance(rng, 0.4)
    return AxesSketch(
        what=what,
        lying=lying,
        size=size,
        ground=ground,
        plot=plot,
        values=draw_values(rng, count),
        labels=labels,
        title=title.placed(x, margin, align=align, ink=pen, ground=ground.rgb) if title else None,
        paints=tuple(draw_paint_on(rng, ground).rgb if varied else one for _ in range(count)),
        thick=rng.uniform(0.45, 0.85) if what == "bar" else rng.uniform(1.5, 4) * size.unit,
        pen=pen,
        grid=rng.choice((0, 0, 4, 5)),
        border=rng.choices(BORDERS, (5, 2, 1))[0],
    )


def _lay_upright(
    rng: random.Random, split: Split, size: Size, corner: tuple[float, float], *, ink: RGB, ground: RGB
) -> tuple[Box, tuple[Lettering, ...]]:
    """The plot, and labels below it."""
    margin, top = corner
    face = draw_face(rng, split)
    letters = round(size.letters * rng.uniform(1, 1.15))
    count = rng.randint(3, MOST_MARKS)
    left, right = round(margin), round(size.width - margin)
    slot = (right - left) / count
    labels = draw_labels(rng, split, face, letters, count, width=slot - 4 * size.unit)
    blocks = [one_line(label, face, letters) for label in labels]
    label_top = size.height - margin * 0.6 - blocks[0].height
    bottom = round(label_top - rng.uniform(3, 6) * size.unit)
    placed = tuple(
        block.placed(left + (n + 0.5) * slot, label_top, align="middle", ink=ink, ground=ground)
        for n, block in enumerate(blocks)
    )
    return (left, round(top), right, bottom), placed


def _lay_lying(
    rng: random.Random, split: Split, size: Size, corner: tuple[float, float], *, ink: RGB, ground: RGB
) -> tuple[Box, tuple[Lettering, ...]]:
    """The plot, and labels on its left."""
    margin, top = corner
    face = draw_face(rng, split)
    letters = size.letters
    bottom = size.height - margin
    count = rng.randint(3, min(MOST_MARKS, int((bottom - top) / (letters * 1.15))))
    labels = draw_labels(rng, split, face, letters, count, width=size.width * 0.4)
    blocks = [one_line(label, face, letters) for label in labels]
    left = round(margin + max(block.width for block in blocks) + rng.uniform(4, 8) * size.unit)
    slot = (bottom - top) / count
    placed = tuple(
        block.placed(
            left - 4 * size.unit,
            top + (n + 0.5) * slot - block.height / 2,
            align="right",
            ink=ink,
            ground=ground,
        )
        for n, block in enumerate(blocks)
    )
    return (left, round(top), round(size.width - margin), round(bottom)), placed


def draw_chart_ground(rng: random.Random) -> Paint:
    """White, mostly."""
    return draw_paint(rng, ("white",)) if chance(rng, 0.75) else draw_paint(rng)


def draw_chart_title(rng: random.Random, split: Split, size: Size) -> Block | None:
    """One or two words, or none."""
    if chance(rng, 0.3):
        return None
    face = draw_face(rng, split)
    while True:
        wording = draw_wording(rng, split, words=rng.choice((1, 1, 2)))
        width = size.width - 18 * size.unit
        if block := fit(rng, wording, face, width=width, smallest=size.letters, biggest=size.letters * 1.35):
            return block
