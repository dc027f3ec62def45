import numpy as np
import pytest
from PIL import Image

from inference_worker.image.tiling import choose_tiling
from training.drawing import Box, Chart, Drawing, Scene, Shape, Text
from training.measures import TokenMeasures, measure_tokens
from training.placement import Placement

WIDTH, HEIGHT = 224, 112  # pixels: 8 x 4 tokens of 28, in lines of 9 rows
WHOLE = 4 * 9 + 1  # the first row of the whole picture: 4 x 4 tokens of 56 x 28, in lines of 5 rows


def measures(drawing: Drawing) -> TokenMeasures:
    """Of the parts."""
    seen = measure_all(drawing)
    parts = seen.rows < WHOLE
    return TokenMeasures(rows=seen.rows[parts], truths=seen.truths[parts])


def measure_all(drawing: Drawing) -> TokenMeasures:
    tiling = choose_tiling(WIDTH, HEIGHT, max_crops=2, crop_size=112, tokens_per_side=4)
    return measure_tokens(drawing, Placement(tiling, width=WIDTH, height=HEIGHT))


def label(left: float, right: float) -> Text:
    middle = (left + right) / 2
    return Text(
        text="ab",
        glyphs=((left, 88, middle, 108), (middle, 88, right, 108)),
        face="f",
        size_px=20,
        contrast=9.0,
    )


def chart(*labels: Text, what: str = "line", marks: tuple[Box, ...] = (), lying: bool = False) -> Drawing:
    values = (0.25, 0.75, 0.5)[: len(labels)]
    marks = marks or ((0, 0, 1, 1),) * len(labels)  # on one token, so that they are left out
    facts = Chart(what=what, labels=labels, values=values, marks=marks, lying=lying)
    return Drawing(image=Image.new("RGB", (WIDTH, HEIGHT)), facts=facts)


def test_a_label_below_has_the_value_of_its_mark() -> None:
    seen = measures(chart(label(28, 84), label(126, 138)))
    assert seen.rows.tolist() == [3 * 9 + 1, 3 * 9 + 2, 3 * 9 + 4]
    assert seen.truths[:, 2].tolist() == [0.25, 0.25, 0.75]
    assert seen.truths[0].tolist() == pytest.approx([56 / WIDTH, 98 / HEIGHT, 0.25])


def test_the_end_of_a_bar_has_its_value_and_the_label_below_it_too() -> None:
    seen = measures(chart(label(56, 84), what="bar", marks=((56, 35, 84, 84),)))
    assert seen.rows.tolist() == [3 * 9 + 2, 1 * 9 + 2]
    assert seen.truths[:, 2].tolist() == [0.25, 0.25]
    assert seen.truths[1].tolist() == pytest.approx([70 / WIDTH, 35.5 / HEIGHT, 0.25])


def test_a_lying_bar_has_its_value_where_it_ends_on_the_right() -> None:
    seen = measures(chart(label(0, 28), what="bar", marks=((28, 88, 150, 108),), lying=True))
    assert seen.rows.tolist() == [3 * 9 + 0, 3 * 9 + 5]
    assert np.isnan(seen.truths[0, 2])
    assert seen.truths[1].tolist() == pytest.approx([149.5 / WIDTH, 98 / HEIGHT, 0.25])


def test_what_shows_two_labels_is_left_out() -> None:
    seen = measures(chart(label(30, 40), label(44, 54), label(120, 130)))
    assert seen.truths[:, 2].tolist() == [0.5]


@pytest.mark.parametrize("what", ["pie", "bar"])
def test_what_a_label_belongs_to_comes_after_it_but_is_known_in_the_whole_picture(what: str) -> None:
    """A pie's slices, and lying bars, which come to stand on the right of their labels."""
    seen = measure_all(chart(label(0, 28), label(170, 200), what=what, lying=what == "bar"))
    assert np.isnan(seen.truths[seen.rows < WHOLE][:, 2]).all()
    assert seen.rows[seen.rows >= WHOLE].tolist() == [WHOLE + 3 * 5, WHOLE + 3 * 5 + 3]
    assert seen.truths[seen.rows >= WHOLE][:, 2].tolist() == [0.25, 0.75]


def test_a_shape_has_a_place_and_no_value() -> None:
    star = Shape(form="star", colour="red", box=(28, 56, 84, 112))
    seen = measures(Drawing(image=Image.new("RGB", (WIDTH, HEIGHT)), facts=Scene(shapes=(star,), background="white")))
    assert seen.rows.tolist() == [2 * 9 + 1, 2 * 9 + 2, 3 * 9 + 1, 3 * 9 + 2]
    assert np.isnan(seen.truths[:, 2]).all()
    assert seen.truths[:, :2].tolist() == [[0.25, 0.75]] * 4


def test_a_picture_with_nothing_to_compare_has_no_measures() -> None:
    empty = Drawing(image=Image.new("RGB", (WIDTH, HEIGHT)), facts=Scene(shapes=(), background="white"))
    assert measures(empty).truths.shape == (0, 3)
