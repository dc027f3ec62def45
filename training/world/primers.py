"""Sheets full of letters, to learn them by: every line in a face, a size and a colour of its own."""

import random

from training.drawing import Drawing
from training.world.canvas import Size, draw_size
from training.world.chance import chance
from training.world.colours import draw_ink, draw_paint
from training.world.faces import draw_face
from training.world.lettering import Block, one_line
from training.world.sheets import PageSketch, Sheet, draw_paper, draw_sheet
from training.world.split import Split
from training.world.words import Wording, draw_price, draw_wording

LARGEST = 3  # times the smallest letters
LEADING = 1.12  # from line to line, in heights
DIGITS = 0.15  # of the strings


def draw_primer(rng: random.Random, split: Split) -> Drawing:
    """A "page" with as many letters as fit on it."""
    size = draw_size(rng, square=6, landscape=2, portrait=2, wide=1)
    sheet = draw_sheet(rng, size, draw_paper(rng) if chance(rng, 0.5) else draw_paint(rng), inset=0.1)
    rows = []
    _, top, _, bottom = sheet.inner
    while (block := _draw_line(rng, split, sheet, size)).height <= bottom - top:
        left = sheet.inner[0] + rng.random() * (sheet.width - block.width)
        ink = draw_ink(rng, sheet.ground.rgb)
        rows.append((block.placed(left, top, align="left", ink=ink, ground=sheet.ground.rgb),))
        top += block.height * LEADING
    return PageSketch(what="page", sheet=sheet, rows=tuple(rows)).draw()


def _draw_line(rng: random.Random, split: Split, sheet: Sheet, size: Size) -> Block:
    """Strings, as many as have room beside each other, at least one."""
    face, size_px = draw_face(rng, split), round(size.letters * LARGEST ** rng.triangular(0, 1, 0))
    line: Block | None = None
    while True:
        longer = _lengthen(rng, split, line, face, size_px)
        if longer.width <= sheet.width:
            line = longer
        elif line:
            return line


def _lengthen(rng: random.Random, split: Split, line: Block | None, face: str, size_px: int) -> Block:
    string = f"{draw_price(rng) / 100:g}" if chance(rng, DIGITS) else draw_wording(rng, split).text
    text = f"{line.wording.text} {string}" if line else string
    return one_line(Wording(text, random=True), face, size_px)
