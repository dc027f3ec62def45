"""Things to read: signs, pages of lines, receipts, tables."""

import random
from collections.abc import Callable

from training.drawing import Drawing
from training.world.canvas import draw_size
from training.world.colours import draw_ink, draw_paint
from training.world.faces import draw_face
from training.world.layout import draw_align, pile, stack
from training.world.lettering import Block, fit
from training.world.sheets import PageSketch, Sheet, draw_paper, draw_sheet
from training.world.split import Split
from training.world.tables import sketch_receipt, sketch_table
from training.world.words import draw_wording


def draw_page(rng: random.Random, split: Split, *, what: str | None = None) -> Drawing:
    """A "sign", "page", "receipt" or "table"."""
    return sketch_page(rng, split, what=what).draw()


def sketch_page(rng: random.Random, split: Split, *, what: str | None = None) -> PageSketch:
    """See `draw_page`."""
    return SKETCHES[what or rng.choice(KINDS)](rng, split)


def _sketch_sign(rng: random.Random, split: Split) -> PageSketch:
    """One to three lines of large letters, spread over a sheet of any colour."""
    size = draw_size(rng, square=2, landscape=3, portrait=1, wide=3, banner=2)
    sheet = draw_sheet(rng, size, draw_paint(rng), inset=0.3)
    most = int(sheet.height / (size.letters * 1.3))
    count = min(most, rng.choices((1, 2, 3), (6, 3, 1))[0])
    face = draw_face(rng, split)
    biggest = min(size.letters * 4.0, sheet.height / count / 1.3)
    blocks = [_draw_line(rng, split, sheet, face, sizes=(size.letters, biggest), most=2) for _ in range(count)]
    heights = [block.height for block in blocks]
    tops = stack(rng, heights, sheet.inner[1], height=sheet.height, gap=size.letters * 0.15)
    return _place(rng, "sign", sheet, blocks, tops)


def _sketch_page_of_lines(rng: random.Random, split: Split) -> PageSketch:
    """Two to five lines of one size."""
    size = draw_size(rng, square=3, landscape=3, portrait=4, wide=1)
    sheet = draw_sheet(rng, size, draw_paper(rng), inset=0.15)
    most = int(sheet.height / (size.letters * 1.2))
    count = rng.randint(2, min(5, most))
    letters = round(rng.uniform(size.letters, max(size.letters, min(size.letters * 1.4, sheet.height / count / 1.25))))
    face = draw_face(rng, split)
    blocks = [_draw_line(rng, split, sheet, face, sizes=(letters, letters), most=3) for _ in range(count)]
    pitch = blocks[0].height * rng.uniform(1.15, 1.8)
    return _place(rng, "page", sheet, blocks, pile(rng, count, sheet.inner[1], height=sheet.height, pitch=pitch))


def _draw_line(
    rng: random.Random, split: Split, sheet: Sheet, face: str, *, sizes: tuple[int, float], most: int
) -> Block:
    """One to `most` words, as many as have room in one line."""
    smallest, biggest = sizes
    longest = max(3, min(9, int(sheet.width / smallest / 0.5)))
    while True:
        wording = draw_wording(rng, split, words=rng.randint(1, most), longest=longest)
        if block := fit(rng, wording, face, width=sheet.width, smallest=smallest, biggest=biggest):
            return block
        most = max(1, most - 1)


def _place(rng: random.Random, what: str, sheet: Sheet, blocks: list[Block], tops: list[float]) -> PageSketch:
    """Lines with their tops there, all aligned the same way and in one colour."""
    left, _, right, _ = sheet.inner
    align = draw_align(rng)
    x = {"left": left, "middle": (left + right) / 2, "right": right}[align]
    ink, ground = draw_ink(rng, sheet.ground.rgb), sheet.ground.rgb
    rows = tuple(
        (block.placed(x, top, align=align, ink=ink, ground=ground),) for block, top in zip(blocks, tops, strict=True)
    )
    return PageSketch(what=what, sheet=sheet, rows=rows)


SKETCHES: dict[str, Callable[[random.Random, Split], PageSketch]] = {
    "sign": _sketch_sign,
    "page": _sketch_page_of_lines,
    "receipt": sketch_receipt,
    "table": sketch_table,
}
KINDS = tuple(SKETCHES)
