"""The forms of shapes."""

import numpy as np
import pytest

from training.world.forms import FORMS, OUTLINES, load_mask

WAYS = [(form, way) for form in FORMS for way in range(len(OUTLINES[form]))]


def test_there_are_eight_forms() -> None:
    assert len(FORMS) == 8


@pytest.mark.parametrize(("form", "way"), WAYS)
def test_a_mask_is_as_large_as_asked_and_fills_most_of_its_square(form: str, way: int) -> None:
    mask = load_mask(form, way, 60)
    left, top, right, bottom = mask.getbbox() or (0, 0, 0, 0)
    assert mask.size == (60, 60)
    assert right - left >= 35
    assert bottom - top >= 50


def test_any_two_forms_differ_in_more_than_a_tenth_of_their_square() -> None:
    masks = {(form, way): np.asarray(load_mask(form, way, 60)) > 127 for form, way in WAYS}
    for one in WAYS:
        for other in WAYS:
            if one[0] != other[0]:
                assert (masks[one] ^ masks[other]).mean() > 0.1, (one, other)


@pytest.mark.parametrize(("form", "area"), [("square", 1.0), ("circle", 0.785), ("diamond", 0.5), ("triangle", 0.44)])
def test_forms_have_the_area_of_their_geometry(form: str, area: float) -> None:
    assert np.asarray(load_mask(form, 0, 80)).mean() / 255 == pytest.approx(area, abs=0.02)
