"""Rows and columns: receipts and tables."""

import random

from training.drawing import Box
from training.world.canvas import draw_size
from training.world.chance import chance
from training.world.colours import draw_ink, mix
from training.world.faces import draw_face
from training.world.layout import pile
from training.world.lettering import Block, Lettering, fit, one_line
from training.world.sheets import PageSketch, Sheet, draw_paper, draw_sheet
from training.world.split import Split
from training.world.words import Wording, draw_price, draw_wording

TRIES = 6  # for the name of an item, before others are drawn
RULES = ("none", "header", "rows", "grid")


def sketch_receipt(rng: random.Random, split: Split) -> PageSketch:
    """Perhaps a shop's name, two to five items with their prices on the right, and the total."""
    size = draw_size(rng, square=3, landscape=1, portrait=6)
    sheet = draw_sheet(rng, size, draw_paper(rng), inset=0.1)
    letters = round(size.letters * rng.uniform(1, 1.25))
    lines = int(sheet.height / (letters * 1.2))
    headed = lines > 3 and chance(rng, 0.6)  # noqa: PLR2004 - two items and the total
    count = rng.randint(2, max(2, min(5, lines - 1 - headed)))
    items: list[tuple[Block, Block]] = []
    while not items:
        face = draw_face(rng, split)
        items = _draw_items(rng, split, face, letters, count=count, width=sheet.width)
        letters = max(size.letters, letters - 1)
    shop = None
    while headed and not shop:
        name = draw_wording(rng, split, words=rng.randint(1, 2), longest=8)
        shop = fit(rng, name, face, width=sheet.width, smallest=letters, biggest=letters * 1.2)
    return _place_receipt(rng, sheet, shop, items)


def _draw_items(
    rng: random.Random, split: Split, face: str, letters: int, *, count: int, width: float
) -> list[tuple[Block, Block]]:
    """Names and prices, the last of them the sum; nothing where a price leaves no room for a name."""
    hundredths = [draw_price(rng) for _ in range(count)]
    hundredths.append(sum(hundredths))
    prices = [one_line(Wording(f"{price / 100:.2f}"), face, letters) for price in hundredths]
    room = width - max(price.width for price in prices) - letters
    names: list[Block] = []
    for _ in range(TRIES * count):
        name = one_line(draw_wording(rng, split, longest=max(3, min(7, int(room / letters / 0.5)))), face, letters)
        if name.width <= room:
            names.append(name)
        if len(names) == count:
            total = one_line(Wording("Total"), face, letters)
            return list(zip([*names, total], prices, strict=True)) if total.width <= room else []
    return []


def _place_receipt(
    rng: random.Random, sheet: Sheet, shop: Block | None, items: list[tuple[Block, Block]]
) -> PageSketch:
    """Names at the left, prices at the right."""
    left, top, right, _ = sheet.inner
    ink, ground = draw_ink(rng, sheet.ground.rgb), sheet.ground.rgb
    pitch = items[0][0].size_px * rng.uniform(1.25, 1.7)
    tops = pile(rng, len(items) + bool(shop), top, height=sheet.height, pitch=pitch)
    rows: list[tuple[Lettering, ...]] = []
    if shop:
        rows.append((shop.placed((left + right) / 2, tops[0], align="middle", ink=ink, ground=ground),))
    for (name, price), y in zip(items, tops[bool(shop) :], strict=True):
        rows.append(
            (
                name.placed(left, y, align="left", ink=ink, ground=ground),
                price.placed(right, y, align="right", ink=ink, ground=ground),
            )
        )
    above_total = round(tops[-1] - 0.12 * (tops[-1] - tops[-2]))
    rule = (left, above_total, right, above_total + max(1, round(sheet.size.unit)))
    return PageSketch(
        what="receipt",
        sheet=sheet,
        rows=tuple(rows),
        rules=((rule, mix(ground, ink, 0.6)),) if chance(rng, 0.6) else (),
    )


def sketch_table(rng: random.Random, split: Split) -> PageSketch:
    """Two or three columns of words or numbers; a header and two to four rows."""
    size = draw_size(rng, square=5, landscape=4, portrait=1)
    sheet = draw_sheet(rng, size, draw_paper(rng), inset=0.05)
    face = draw_face(rng, split)
    letters = round(size.letters * rng.uniform(1, 1.15))
    count = 2 if chance(rng, 0.6) else 3
    lines = 1 + rng.randint(2, max(2, min(4, int(sheet.height / (letters * 1.3)) - 1)))
    while True:
        longest = int((sheet.width / count - letters * 0.5) / letters / 0.55)
        columns = [
            [one_line(cell, face, letters) for cell in _draw_column(rng, split, lines, longest)] for _ in range(count)
        ]
        widths = [max(cell.width for cell in column) + letters * 0.5 for column in columns]
        if sum(widths) <= sheet.width:
            return _place_table(rng, sheet, columns, widths)
        letters = max(size.letters, letters - 1)
        if chance(rng, 0.1):  # three columns of a wide face may never fit
            count = 2


def _draw_column(rng: random.Random, split: Split, lines: int, longest: int) -> list[Wording]:
    """A header over words and random letters, or over numbers."""
    longest = max(3, min(8, longest))
    header = draw_wording(rng, split, longest=longest)
    if chance(rng, 0.4):
        most = 10 ** rng.randint(1, 3)
        return [header, *(Wording(str(rng.randrange(most))) for _ in range(lines - 1))]
    return [header, *(draw_wording(rng, split, longest=longest) for _ in range(lines - 1))]


def _place_table(rng: random.Random, sheet: Sheet, columns: list[list[Block]], widths: list[float]) -> PageSketch:
    """Columns side by side, with or without rules."""
    letters, height, count = columns[0][0].size_px, columns[0][0].height, len(columns[0])
    spare = (sheet.width - sum(widths)) * rng.random() / len(widths)
    widths = [width + spare for width in widths]
    left = sheet.inner[0] + rng.random() * (sheet.width - sum(widths))
    lefts = [left + sum(widths[:n]) for n in range(len(widths) + 1)]
    tops = pile(rng, count, sheet.inner[1], height=sheet.height, pitch=height * rng.uniform(1.3, 1.9))
    pitch = tops[1] - tops[0]
    ink, ground = draw_ink(rng, sheet.ground.rgb), sheet.ground.rgb
    rows = tuple(
        tuple(
            column[n].placed(x + letters * 0.25, top + (pitch - height) / 2, align="left", ink=ink, ground=ground)
            for x, column in zip(lefts, columns, strict=False)
        )
        for n, top in enumerate(tops)
    )
    thick = max(1, round(sheet.size.unit))
    lines = _rule(rng.choice(RULES), lefts, [*tops, tops[-1] + pitch], thick)
    grey = mix(ground, ink, rng.uniform(0.25, 0.8))
    return PageSketch(what="table", sheet=sheet, rows=rows, rules=tuple((line, grey) for line in lines))


def _rule(style: str, lefts: list[float], tops: list[float], thick: int) -> list[Box]:
    """The lines of a table."""
    ruled = {"none": [], "header": [tops[1]], "rows": tops, "grid": tops}[style]
    lines: list[Box] = [(lefts[0], round(top), lefts[-1], round(top) + thick) for top in ruled]
    if style == "grid":
        lines += [(round(x), tops[0], round(x) + thick, tops[-1]) for x in lefts]
    return lines
