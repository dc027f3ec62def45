import numpy as np
from PIL import Image

from inference_worker.image.tiling import choose_tiling
from tests.training.drawn import SCENE
from training.drawing import Box, Chart, Drawing, Facts, Page, Text
from training.lookups import MOST_ORDINALS, TokenLookups, look_up_tokens
from training.placement import Placement

WIDTH, HEIGHT = 224, 112  # pixels: 8 x 4 tokens of 28, in lines of 9 rows
WHOLE = 4 * 9 + 1  # the first row of the whole picture: 4 x 4 tokens of 56 x 28, in lines of 5 rows


def look_up(facts: Facts) -> TokenLookups:
    tiling = choose_tiling(WIDTH, HEIGHT, max_crops=2, crop_size=112, tokens_per_side=4)
    drawing = Drawing(image=Image.new("RGB", (WIDTH, HEIGHT)), facts=facts)
    return look_up_tokens(drawing, Placement(tiling, width=WIDTH, height=HEIGHT))


def text(left: float, top: float) -> Text:
    return Text(text="x", glyphs=((left, top, left + 28, top + 28),), face="f", size_px=20, contrast=9.0)


def table(lines: int, columns: int) -> Page:
    rows = tuple(tuple(text(28 * column, 28 * line) for column in range(columns)) for line in range(lines))
    return Page(what="table", colour="white", rows=rows)


def of_parts(found: TokenLookups) -> dict[int, tuple[float, int, int]]:
    told = zip(found.rows.tolist(), found.values.tolist(), found.lines.tolist(), found.columns.tolist(), strict=True)
    return {row: (value, line, column) for row, value, line, column in told if row < WHOLE}


def of_whole(found: TokenLookups) -> dict[int, float]:
    return {row: value for row, value in zip(found.rows.tolist(), found.values.tolist(), strict=True) if row >= WHOLE}


def looks(found: TokenLookups) -> dict[int, list[int]]:
    pairs = list(zip(found.queries.tolist(), found.keys.tolist(), strict=True))
    return {query: [key for asking, key in pairs if asking == query] for query, _ in pairs}


def chart(*, what: str, labels: tuple[Text, ...], marks: tuple[Box, ...], lying: bool = False) -> Chart:
    spots = ()
    if what == "pie":
        spots = tuple(
            tuple((x, y, x, y) for x in range(int(box[0]), int(box[2])) for y in range(int(box[1]), int(box[3])))
            for box in marks
        )
    return Chart(what=what, labels=labels, values=(0.25, 0.75), marks=marks, lying=lying, spots=spots)


def test_a_cell_knows_its_line_and_its_column() -> None:
    found = look_up(table(3, 2))
    told = {row: (line, column) for row, (_, line, column) in of_parts(found).items()}
    assert told == {9 * line + column: (line, column) for line in range(3) for column in range(2)}
    assert np.isnan(found.values).all()
    assert not len(found.queries)


def test_lines_beyond_those_that_are_told_apart_are_not_asked_for() -> None:
    page = Page(what="page", colour="white", rows=tuple((text(28 * (n % 8), 28 * (n // 8)),) for n in range(10)))
    lines = [line for _, line, _ in of_parts(look_up(page)).values()]
    assert lines == [*range(MOST_ORDINALS), -1, -1]


def test_what_shows_two_cells_is_left_out() -> None:
    row = (text(0, 0), text(2, 0), text(56, 0))
    assert set(of_parts(look_up(Page(what="table", colour="white", rows=(row,))))) == {2}


def test_a_label_below_looks_at_the_end_of_its_bar_and_knows_its_value() -> None:
    bars = ((0, 30, 28, 84), (112, 2, 140, 84))
    found = look_up(chart(what="bar", labels=(text(0, 84), text(112, 84)), marks=bars))
    assert of_parts(found) == {27: (0.25, -1, 0), 31: (0.75, -1, 1)}
    assert of_whole(found) == {WHOLE + 15: 0.25, WHOLE + 17: 0.75}
    ends = {27: [9], 31: [4], WHOLE + 15: [9], WHOLE + 17: [4]}
    assert looks(found) == ends


def test_a_label_beside_a_lying_bar_has_it_only_in_the_whole_picture() -> None:
    bars = ((56, 0, 140, 28), (56, 56, 196, 84))
    found = look_up(chart(what="bar", lying=True, labels=(text(0, 0), text(0, 56)), marks=bars))
    told = of_parts(found)
    assert {row: told[row][1:] for row in told} == {0: (0, -1), 18: (1, -1)}
    assert all(np.isnan(value) for value, _, _ in told.values())
    assert of_whole(found) == {WHOLE: 0.25, WHOLE + 10: 0.75}
    assert looks(found) == {WHOLE: [4], WHOLE + 10: [24]}


def test_a_label_of_a_pie_looks_at_its_slice_in_the_whole_picture_as_far_as_it_comes_before() -> None:
    slices = ((56, 28, 112, 56), (112, 28, 168, 84))
    found = look_up(chart(what="pie", labels=(text(0, 0), text(180, 84)), marks=slices))
    assert of_parts(found) == {}
    assert of_whole(found) == {WHOLE: 0.25, WHOLE + 18: 0.75}
    assert looks(found) == {WHOLE + 18: [WHOLE + 7, WHOLE + 12]}


def test_a_scene_has_nothing_to_look_up() -> None:
    found = look_up(SCENE.facts)
    assert [len(values) for values in (found.rows, found.values, found.lines, found.queries)] == [0] * 4
