import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference_worker.errors import PictureTooNarrow
from inference_worker.image.tiling import Size, Tiling, choose_tiling

sides = st.integers(1, 5000)
max_crops = st.integers(1, 24)


def tile(width: int, height: int, crops: int = 4) -> Tiling:
    return choose_tiling(width, height, max_crops=crops, crop_size=336, tokens_per_side=12)


def tile_unless_too_narrow(width: int, height: int, crops: int) -> Tiling | None:
    try:
        return tile(width, height, crops)
    except PictureTooNarrow:
        assert int(336 * crops * min(width, height) / max(width, height)) < 336 // 2, "only slivers are refused"
        return None


@pytest.mark.parametrize(
    ("width", "height", "crops", "grid", "resized", "tokens"),
    [
        (1280, 720, 4, (2, 2), (672, 378), 757),
        (1344, 336, 4, (1, 4), (1344, 336), 745),
        (336, 1344, 4, (4, 1), (336, 1344), 781),  # lying and standing differ: separators end lines
        (1000, 2000, 4, (2, 1), (336, 672), 469),
        (50, 60, 16, (4, 4), (1120, 1344), 2509),
        (1000, 2000, 16, (5, 3), (840, 1680), 2377),
        (4000, 300, 16, (1, 13), (4368, 327), 2041),
        (640, 480, 1, (1, 1), (336, 252), 313),
        (1, 1, 4, (2, 2), (672, 672), 757),
    ],
)
def test_worked_examples_come_out_as_in_the_reference(
    *, width: int, height: int, crops: int, grid: tuple[int, int], resized: tuple[int, int], tokens: int
) -> None:
    tiling = tile(width, height, crops)
    assert (tiling.rows, tiling.columns) == grid
    assert tiling.resized == Size(*resized)
    assert tiling.tokens == tokens


@given(sides, sides, max_crops)
def test_the_picture_fits_its_canvas_and_the_canvas_its_crops(width: int, height: int, crops: int) -> None:
    tiling = tile_unless_too_narrow(width, height, crops)
    if tiling is None:
        return
    assert tiling.rows * tiling.columns <= crops
    assert tiling.padded == Size(336 * tiling.columns, 336 * tiling.rows)
    longer, shorter = ("width", "height") if width >= height else ("height", "width")
    assert getattr(tiling.resized, longer) == getattr(tiling.padded, longer), "padding goes one way only"
    spare = getattr(tiling.padded, shorter) - getattr(tiling.resized, shorter)
    assert 0 <= spare < 336, "no crop is all padding"


@given(sides, sides, max_crops)
def test_the_aspect_is_kept_to_a_pixel(width: int, height: int, crops: int) -> None:
    tiling = tile_unless_too_narrow(width, height, crops)
    if tiling is None:
        return
    long, short = max(width, height), min(width, height)
    resized = tiling.resized
    assert min(resized.width, resized.height) == pytest.approx(max(resized.width, resized.height) * short / long, abs=1)


@given(sides, sides, max_crops)
def test_one_crop_more_across_would_be_too_many(width: int, height: int, crops: int) -> None:
    tiling = tile_unless_too_narrow(width, height, crops)
    if tiling is None:
        return
    ratio = max(width, height) / min(width, height)
    wider = max(tiling.rows, tiling.columns) + 1
    assert wider * math.ceil(wider / ratio) > crops


@given(sides, sides, max_crops)
def test_a_picture_on_its_side_is_tiled_on_its_side(width: int, height: int, crops: int) -> None:
    upright, lying = tile_unless_too_narrow(width, height, crops), tile_unless_too_narrow(height, width, crops)
    if upright is None or lying is None:
        assert upright is lying
        return
    assert (upright.rows, upright.columns) == (lying.columns, lying.rows)
    assert upright.resized == lying.resized.transposed


@given(st.integers(1, 6), st.integers(1, 6), st.integers(1, 14))
def test_tokens_are_the_lines_of_both_grids_and_their_separators(rows: int, columns: int, side: int) -> None:
    tiling = Tiling(rows=rows, columns=columns, resized=Size(1, 1), transposed=False, crop_size=1, tokens_per_side=side)
    parts = [side * columns + 1] * (side * rows)
    whole = [side + 1] * side
    assert tiling.tokens == sum(parts) + 1 + sum(whole)


@pytest.mark.parametrize(("width", "height"), [(2000, 1), (1, 2000), (0, 10), (10, 0)])
def test_a_picture_that_would_vanish_is_refused_in_words(width: int, height: int) -> None:
    with pytest.raises(PictureTooNarrow, match=f"{width} x {height} pixels is too narrow"):
        tile(width, height)
