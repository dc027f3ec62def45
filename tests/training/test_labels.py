import numpy as np
from PIL import Image

from inference_worker.image.tiling import choose_tiling
from training.drawing import Box, Drawing, Page, Scene, Shape, Text
from training.labels import CHARACTERS, IGNORED, TokenLabels, label_tokens
from training.placement import Placement
from training.world.colours import COLOURS
from training.world.forms import FORMS

SIDE = 224  # pixels: 8 x 8 tokens of 28, each of 2 x 2 patches of 14
A, B, C = (CHARACTERS.index(character) + 1 for character in "ABC")


def around(x: float, y: float) -> Box:
    return (x - 3, y - 4, x + 3, y + 4)


def page(**glyphs: Box) -> Drawing:
    text = Text(text="".join(glyphs), glyphs=tuple(glyphs.values()), face="f", size_px=20, contrast=9.0)
    return Drawing(image=Image.new("RGB", (SIDE, SIDE)), facts=Page(what="sign", rows=((text,),), colour="white"))


def scene(*shapes: Shape) -> Drawing:
    return Drawing(image=Image.new("RGB", (SIDE, SIDE)), facts=Scene(shapes=shapes, background="white"))


def labels(drawing: Drawing) -> TokenLabels:
    tiling = choose_tiling(SIDE, SIDE, max_crops=4, crop_size=112, tokens_per_side=4)
    return label_tokens(drawing, Placement(tiling, width=SIDE, height=SIDE))


def test_a_letter_is_the_label_of_the_patch_that_its_middle_is_in() -> None:
    seen = labels(page(A=around(28 * 3 + 21, 28 * 2 + 7)))  # upper right patch of the token in line 2, column 3
    token = 2 * 8 + 3
    assert seen.rows[token] == 2 * 9 + 3
    assert seen.characters[token].tolist() == [[0, 0, 0], [A, 0, 0], [0, 0, 0], [0, 0, 0]]
    assert np.count_nonzero(seen.characters) == 1
    assert np.flatnonzero(seen.speaking).tolist() == [token]


def test_letters_of_one_patch_stand_in_reading_order() -> None:
    seen = labels(page(B=around(3, 7), A=around(6, 7), C=around(11, 7)))
    assert seen.characters[0, 0].tolist() == [B, A, C]


def test_where_a_letter_is_close_to_a_border_neither_patch_is_judged() -> None:
    seen = labels(page(A=around(14.5, 7), B=around(15, 35)))
    assert (seen.characters[0, :2] == IGNORED).all()
    assert (seen.characters[0, 2:] == 0).all()
    assert seen.characters[8].tolist() == [[0] * 3, [B, 0, 0], [0] * 3, [0] * 3]


def test_a_shape_is_named_in_its_core_and_ignored_at_its_edge() -> None:
    seen = labels(scene(Shape(form="star", colour="red", box=(56, 56, 126, 126))))
    middle = 3 * 8 + 3  # pixels 84 to 112
    assert set(seen.forms[middle].tolist()) == {FORMS.index("star") + 1}
    assert set(seen.colours[middle].tolist()) == {COLOURS.index("red") + 1}
    assert seen.forms[2 * 8 + 2, 0] == IGNORED  # its upper left corner
    assert set(seen.forms[0].tolist()) == {0}
    assert set(seen.forms[6 * 8 + 6].tolist()) == {0}


def test_the_smallest_shape_is_named_somewhere() -> None:
    seen = labels(scene(Shape(form="circle", colour="blue", box=(100, 50, 112, 62))))
    assert (seen.forms == FORMS.index("circle") + 1).any()
