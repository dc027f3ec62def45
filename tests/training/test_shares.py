import random

import numpy as np
import pytest
from PIL import Image

from inference_worker.image.processor import ImageProcessor
from inference_worker.model.checkpoint import TINY
from inference_worker.model.config import read_config
from tests.training.drawn import SCENE
from training.drawing import Chart, Drawing
from training.placement import Placement
from training.shares import TokenShares, share_tokens
from training.world import Split, draw_chart
from training.world.pies import PieSketch, sketch_pie

PROCESSOR = ImageProcessor(read_config(TINY).image)
SEEDS = range(12)


def place(drawing: Drawing) -> Placement:
    width, height = drawing.image.size
    return Placement(PROCESSOR.tile(width, height, max_crops=9), width=width, height=height)


def patches(drawing: Drawing) -> np.ndarray:
    """The whole picture's, (2 * side, 2 * side): what each tells; NaN where it tells nothing."""
    placement, shares = place(drawing), share_tokens(drawing, place(drawing))
    told = np.full((placement.side * 2,) * 2, np.nan)
    for row, truths in zip(shares.rows.tolist(), shares.truths, strict=True):
        line, column = divmod(row - placement.row_of_whole(0, 0), placement.side + 1)
        told[2 * line : 2 * line + 2, 2 * column : 2 * column + 2] = truths.reshape(2, 2)
    return told


def only_slice(sketch: PieSketch, drawing: Drawing, chosen: int) -> Image.Image:
    """Black where the slice is, and white elsewhere, as what is added at the edges."""
    pixels = np.asarray(drawing.image).astype(int)
    down, across = np.mgrid[: sketch.size.height, : sketch.size.width]
    inside = np.hypot(across - sketch.middle[0], down - sketch.middle[1]) <= sketch.radius
    shown = inside & (pixels == sketch.paints[chosen]).all(axis=2)
    return Image.fromarray(np.where(shown, 0, 255).astype(np.uint8)).convert("RGB")


@pytest.mark.parametrize("seed", SEEDS)
def test_a_patch_tells_the_share_of_the_slice_that_it_shows(seed: int) -> None:
    sketch = sketch_pie(random.Random(seed), Split.SEEN)
    drawing = sketch.draw()
    told = patches(drawing)
    for number, value in enumerate(sketch.values):
        whole = PROCESSOR.crops(only_slice(sketch, drawing, number), max_crops=9).pixels[0, 0].numpy()
        shown = ((whole.max() - whole) / (whole.max() - whole.min())).reshape(8, 14, 8, 14).mean((1, 3))
        assert (told[shown > 0.9] == np.float32(value)).all()
        others = set(sketch.values) - {value}
        assert not any((told[shown > 0.6] == np.float32(other)).any() for other in others)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_patch_with_a_label_tells_the_share_of_its_slice(seed: int) -> None:
    drawing = draw_chart(random.Random(seed), Split.SEEN, what="pie")
    facts, told = drawing.facts, patches(drawing)
    assert isinstance(facts, Chart)
    right = []
    for label, value in zip(facts.labels, facts.values, strict=True):
        placed = 2 * place(drawing).place_in_whole(label.glyphs)
        middle = placed[len(placed) // 2]
        across, down = (middle[:2] + middle[2:]) / 2
        right.append(told[int(down), int(across)] == np.float32(value))
    assert sum(right) >= len(right) - 1  # two may share a patch


def test_what_is_no_pie_has_no_shares() -> None:
    bars = draw_chart(random.Random(0), Split.SEEN, what="bar")
    for drawing in (SCENE, bars):
        shares = share_tokens(drawing, place(drawing))
        assert isinstance(shares, TokenShares)
        assert shares.rows.shape == (0,)
        assert shares.truths.shape == (0, 4)
