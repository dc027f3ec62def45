"""Pie charts: slices of different colours, their labels around."""

import itertools
import math
import random
from collections.abc import Iterator

import msgspec
from PIL import Image, ImageDraw

from training.drawing import Box, Chart, Drawing
from training.world.axes import MOST_MARKS, draw_chart_ground, draw_chart_title
from training.world.canvas import Canvas, Size, draw_size
from training.world.chance import chance
from training.world.colours import COLOURS, RGB, Paint, distance, draw_ink, draw_paint
from training.world.faces import draw_face
from training.world.labels import draw_labels, draw_shares
from training.world.lettering import Block, Lettering, one_line
from training.world.split import Split

FINER = 2  # drawn this much larger and shrunk, for smooth edges
LEAST_RADIUS = 36  # units
LEAST_DISTANCE = 20.0  # in CIELAB, of slices from each other and from the ground
SPOT_RADII = tuple(0.25 + 0.1 * n for n in range(8))  # parts of the pie's
SPOT_TURN, SPOT_EDGE = 5.0, 3.0  # degrees: from spot to spot, and from the slice's edges


class PieSketch(msgspec.Struct, frozen=True, kw_only=True):
    """A pie chart before it is drawn."""

    size: Size
    ground: Paint
    middle: tuple[int, int]
    radius: int
    turned: float  # degrees, from three o'clock and clockwise, where the first slice begins
    values: tuple[float, ...]
    paints: tuple[RGB, ...]
    labels: tuple[Lettering, ...]
    title: Lettering | None

    def draw(self) -> Drawing:
        """The picture."""
        canvas = Canvas(self.size, self.ground.rgb)
        fine = Image.new("RGB", (2 * self.radius * FINER,) * 2, self.ground.rgb)
        pen = ImageDraw.Draw(fine)
        for (start, end), rgb in zip(self.angles, self.paints, strict=True):
            pen.pieslice((0, 0, fine.width - 1, fine.height - 1), start, end, fill=rgb)
        canvas.image.paste(fine.reduce(FINER), (self.middle[0] - self.radius, self.middle[1] - self.radius))
        facts = Chart(
            what="pie",
            labels=tuple(canvas.write(label) for label in self.labels),
            values=self.values,
            marks=tuple(self._around(start, end) for start, end in self.angles),
            title=canvas.write(self.title) if self.title else None,
            spots=tuple(tuple(self._spots(start, end)) for start, end in self.angles),
        )
        return Drawing(image=canvas.image, facts=facts)

    @property
    def angles(self) -> tuple[tuple[float, float], ...]:
        """In degrees, clockwise from three o'clock."""
        return angles(self.values, self.turned)

    def _spots(self, start: float, end: float) -> Iterator[Box]:
        """Points all over a slice."""
        between = end - start - 2 * SPOT_EDGE
        count = 1 + int(between / SPOT_TURN)
        for n in range(count):
            turn = math.radians(start + SPOT_EDGE + between * (n + 0.5) / count)
            for part in SPOT_RADII:
                x = self.middle[0] + part * self.radius * math.cos(turn)
                y = self.middle[1] + part * self.radius * math.sin(turn)
                yield (x, y, x, y)

    def _around(self, start: float, end: float) -> Box:
        """The box of a slice."""
        turns = [start, end, *(quarter for quarter in range(-720, 1081, 90) if start < quarter < end)]
        xs = [self.middle[0], *(self.middle[0] + self.radius * math.cos(math.radians(turn)) for turn in turns)]
        ys = [self.middle[1], *(self.middle[1] + self.radius * math.sin(math.radians(turn)) for turn in turns)]
        return (min(xs), min(ys), max(xs), max(ys))


def angles(values: tuple[float, ...], turned: float) -> tuple[tuple[float, float], ...]:
    """Where slices begin and end, in degrees."""
    ends = [turned + 360 * sum(values[:n]) for n in range(len(values) + 1)]
    return tuple(itertools.pairwise(ends))


def sketch_pie(rng: random.Random, split: Split) -> PieSketch:
    """A pie with three to six slices."""
    size = draw_size(rng, square=6, landscape=3, portrait=1)
    ground = draw_chart_ground(rng)
    margin = 4 * size.unit
    title = draw_chart_title(rng, split, size) if chance(rng, 0.7) else None
    top = margin + (title.height + 3 * size.unit if title else 0)
    ink = draw_ink(rng, ground.rgb)
    while True:
        values = draw_shares(rng, rng.randint(3, MOST_MARKS))
        face = draw_face(rng, split)
        labels = draw_labels(rng, split, face, size.letters, len(values), width=size.width * 0.28)
        blocks = [one_line(label, face, size.letters) for label in labels]
        turned = rng.choice((-90.0, 0.0, rng.uniform(-180, 180)))
        if found := _place(rng, size, (margin, top), blocks, angles(values, turned)):
            break
    middle, radius, corners = found
    return PieSketch(
        size=size,
        ground=ground,
        middle=middle,
        radius=radius,
        turned=turned,
        values=values,
        paints=_draw_paints(rng, ground, len(values)),
        labels=tuple(
            block.placed(*corner, align="left", ink=ink, ground=ground.rgb)
            for block, corner in zip(blocks, corners, strict=True)
        ),
        title=title.placed(size.width / 2, margin, align="middle", ink=ink, ground=ground.rgb) if title else None,
    )


def _place(
    rng: random.Random,
    size: Size,
    corner: tuple[float, float],
    blocks: list[Block],
    slices: tuple[tuple[float, float], ...],
) -> tuple[tuple[int, int], int, list[tuple[float, float]]] | None:
    """The pie's middle and radius, and the labels' corners, when all of it fits below `corner`."""
    margin, top = corner
    room = min(size.width - 2 * margin, size.height - margin - top) / 2
    radius = room * rng.uniform(0.65, 0.8)
    while radius >= LEAST_RADIUS * size.unit:
        boxes = _around_a_pie(radius, 4 * size.unit, blocks, slices)
        left = min(-radius, *(box[0] for box in boxes))
        right = max(radius, *(box[2] for box in boxes))
        above = min(-radius, *(box[1] for box in boxes))
        below = max(radius, *(box[3] for box in boxes))
        free_x = size.width - 2 * margin - (right - left)
        free_y = size.height - margin - top - (below - above)
        if free_x >= 0 and free_y >= 0 and not _collide(boxes, 3 * size.unit):
            x, y = round(margin + rng.random() * free_x - left), round(top + rng.random() * free_y - above)
            return (x, y), round(radius), [(x + box[0], y + box[1]) for box in boxes]
        radius *= 0.9
    return None


def _around_a_pie(radius: float, gap: float, blocks: list[Block], slices: tuple[tuple[float, float], ...]) -> list[Box]:
    """The boxes of labels outside the middle of their slices; the pie's middle is (0, 0)."""
    boxes = []
    for block, (start, end) in zip(blocks, slices, strict=True):
        turn = math.radians((start + end) / 2)
        across, down = math.cos(turn), math.sin(turn)
        half_width, half_height = block.width / 2, block.height / 2
        x = (radius + gap) * across + half_width * max(-1.0, min(1.0, 2 * across))
        y = (radius + gap) * down + half_height * max(-1.0, min(1.0, 2 * down))
        boxes.append((x - half_width, y - half_height, x + half_width, y + half_height))
    return boxes


def _collide(boxes: list[Box], gap: float) -> bool:
    """Whether two are closer than a gap."""
    return any(
        one[0] < other[2] + gap and other[0] < one[2] + gap and one[1] < other[3] + gap and other[1] < one[3] + gap
        for n, one in enumerate(boxes)
        for other in boxes[:n]
    )


def _draw_paints(rng: random.Random, ground: Paint, count: int) -> tuple[RGB, ...]:
    """Different colours, clearly apart."""
    names = [name for name in COLOURS if name != ground.name]
    while True:
        paints = [draw_paint(rng, (name,)).rgb for name in rng.sample(names, count)]
        shown = [ground.rgb, *paints]
        if all(distance(one, other) >= LEAST_DISTANCE for n, one in enumerate(shown) for other in shown[:n]):
            return tuple(paints)
