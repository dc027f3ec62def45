import numpy as np
import pytest
from PIL import Image

from inference_worker.image.processor import ImageProcessor, canvas_of
from inference_worker.image.tiling import Tiling
from inference_worker.model.checkpoint import TINY
from inference_worker.model.config import read_config
from training.placement import Placement

PROCESSOR = ImageProcessor(read_config(TINY).image)
SIZES = [(224, 224), (320, 180), (150, 300), (400, 100), (90, 400)]
BLACK = 128


def tile(width: int, height: int) -> Tiling:
    return PROCESSOR.tile(width, height, max_crops=4)


def placement(width: int, height: int) -> Placement:
    return Placement(tile(width, height), width=width, height=height)


def blackened(size: tuple[int, int]) -> tuple[Image.Image, tuple[int, int, int, int]]:
    """A white picture with a black box."""
    box = (size[0] // 3, size[1] // 3, size[0] // 2, size[1] // 2)
    picture = Image.new("RGB", size, "white")
    picture.paste("black", box)
    return picture, box


@pytest.mark.parametrize("size", SIZES)
def test_a_box_lies_on_the_canvas_where_the_product_puts_its_pixels(size: tuple[int, int]) -> None:
    left, top = size[0] // 3, size[1] // 3
    box = (left, top, left + size[0] // 4, top + size[1] // 4)
    picture = Image.new("RGB", size, "white")
    picture.paste("black", box)
    lines, columns = np.nonzero(np.array(canvas_of(picture, tile(*size)).convert("L")) < BLACK)
    placed = placement(*size).place((box,))[0]
    assert placed == pytest.approx([columns.min(), lines.min(), columns.max() + 1, lines.max() + 1], abs=1.01)


@pytest.mark.parametrize("size", SIZES)
def test_the_rows_of_a_box_are_the_tokens_whose_pixels_it_covers(size: tuple[int, int]) -> None:
    picture, box = blackened(size)
    tiling = tile(*size)
    pixels = PROCESSOR.crops(picture, max_crops=4).pixels[1:, 0]  # (parts, S, S)
    side, token = tiling.tokens_per_side, tiling.crop_size // tiling.tokens_per_side
    cells = pixels.view(tiling.rows, tiling.columns, side, token, side, token)
    dark = (cells < cells.mean()).float().mean((3, 5)).transpose(1, 2).flatten(0, 1).flatten(1)  # (lines, columns)
    # In the product's order every line of the grid ends with a separator.
    rows = [line * (dark.shape[1] + 1) + column for line, column in np.argwhere(dark.numpy() > 0.6).tolist()]
    assert set(rows) <= set(placement(*size).rows((box,)))
    touched = [line * (dark.shape[1] + 1) + column for line, column in np.argwhere(dark.numpy() > 0).tolist()]
    assert set(placement(*size).rows((box,))) <= set(touched)


def test_a_small_box_stands_on_the_token_of_its_middle() -> None:
    on = placement(224, 224)  # 8 x 8 tokens of 28 pixels
    assert on.rows(((60, 30, 66, 40),)) == [1 * 9 + 2]
    assert on.rows(((0, 0, 5, 5), (220, 220, 224, 224))) == [0, 7 * 9 + 7]


def test_all_rows_leave_out_the_separators() -> None:
    rows = placement(320, 180).all_rows()
    assert len(rows) == 8 * 8
    assert rows[:9].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 9]


@pytest.mark.parametrize("size", SIZES)
def test_the_whole_picture_comes_after_the_parts_in_lines_of_its_own(size: tuple[int, int]) -> None:
    picture, box = blackened(size)
    tiling = tile(*size)
    whole = PROCESSOR.crops(picture, max_crops=4).pixels[0, 0]
    side, token = tiling.tokens_per_side, tiling.crop_size // tiling.tokens_per_side
    dark = (whole < whole.mean()).float().view(side, token, side, token).mean((1, 3))
    first = tiling.tokens - side * (side + 1)
    on = {divmod(row - first, side + 1) for row in placement(*size).rows_of_whole((box,))}
    assert {tuple(cell) for cell in np.argwhere(dark.numpy() > 0.6).tolist()} <= on
    assert on <= {tuple(cell) for cell in np.argwhere(dark.numpy() > 0).tolist()}
