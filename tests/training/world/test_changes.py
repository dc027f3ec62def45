"""Pairs that differ."""

import random

import numpy as np
import pytest
from PIL import ImageChops

from training.drawing import Box, Chart, Cover, Drawing, Scene, Shape, Text
from training.world import Mark, Split, What, draw_odd_one_out, draw_pair
from training.world.scenes import MOST_SHAPES

SEEDS = range(40)
ONE_PLACE = (What.COLOUR, What.FORM, What.GONE, What.NEW, What.MOVED, What.TITLE, What.AUTHOR, What.BAR, What.WORD)


def _boxes(fact: Shape | Text | Mark | str | None) -> list[Box]:
    match fact:
        case Shape(box=box) | Mark(box=box):
            return [box]
        case Text(glyphs=glyphs):
            return list(glyphs)
        case _:
            return []


@pytest.mark.parametrize("what", ONE_PLACE)
def test_pixels_are_equal_outside_of_what_changed_and_differ_within(what: What) -> None:
    for seed in SEEDS:
        first, second, change = draw_pair(random.Random(seed), Split.SEEN, what=what)
        assert change.what is what
        assert first.image.size == second.image.size
        differs = (np.asarray(first.image) != np.asarray(second.image)).any(axis=2)
        assert differs.any()
        for left, top, right, bottom in _boxes(change.before) + _boxes(change.after):
            differs[max(0, round(top) - 1) : round(bottom) + 1, max(0, round(left) - 1) : round(right) + 1] = False
        assert not differs.any(), seed


def test_a_shape_that_became_of_another_colour_or_form_kept_its_place_and_the_rest() -> None:
    for seed in SEEDS:
        first, second, change = draw_pair(random.Random(seed), Split.SEEN, what=What.COLOUR)
        assert isinstance(change.before, Shape)
        assert isinstance(change.after, Shape)
        assert change.before.box == change.after.box
        assert change.before.form == change.after.form
        assert change.before.colour != change.after.colour
        assert set(first.shapes) - set(second.shapes) == {change.before}
        assert set(second.shapes) - set(first.shapes) == {change.after}
        _, second, change = draw_pair(random.Random(seed), Split.SEEN, what=What.FORM)
        assert isinstance(change.before, Shape)
        assert isinstance(change.after, Shape)
        assert change.before.form != change.after.form
        assert change.before.colour == change.after.colour
        assert len({shape.name for shape in second.shapes}) == len(second.shapes)


def test_what_is_gone_is_only_in_the_first_picture_and_what_is_new_only_in_the_second() -> None:
    for seed in SEEDS:
        first, second, change = draw_pair(random.Random(seed), Split.SEEN, what=What.GONE)
        assert set(first.shapes) - set(second.shapes) == {change.before}
        assert len(second.shapes) == len(first.shapes) - 1 >= 1
        first, second, change = draw_pair(random.Random(seed), Split.SEEN, what=What.NEW)
        assert set(second.shapes) - set(first.shapes) == {change.after}
        assert 1 <= len(first.shapes) == len(second.shapes) - 1 < MOST_SHAPES


def test_a_shape_that_moved_moved_by_a_fifth_of_the_picture_and_touches_no_other() -> None:
    for seed in SEEDS:
        first, second, change = draw_pair(random.Random(seed), Split.SEEN, what=What.MOVED)
        assert isinstance(change.before, Shape)
        assert isinstance(change.after, Shape)
        assert change.before.name == change.after.name
        steps = [abs(a - b) for a, b in zip(change.before.box, change.after.box, strict=True)]
        assert max(steps) >= 0.2 * max(first.image.size)
        for other in second.shapes:
            if other != change.after:
                a, b = other.box, change.after.box
                assert a[0] > b[2] or b[0] > a[2] or a[1] > b[3] or b[1] > a[3]


def test_a_background_or_a_cover_of_another_colour_leaves_everything_on_it() -> None:
    for seed in SEEDS:
        first, second, change = draw_pair(random.Random(seed), Split.SEEN, what=What.BACKGROUND)
        assert isinstance(first.facts, Scene)
        assert isinstance(second.facts, Scene)
        assert (change.before, change.after) == (first.facts.background, second.facts.background)
        assert change.before != change.after
        assert first.shapes == second.shapes
        first, second, change = draw_pair(random.Random(seed), Split.SEEN, what=What.COVER)
        assert isinstance(first.facts, Cover)
        assert isinstance(second.facts, Cover)
        assert (change.before, change.after) == (first.facts.colour, second.facts.colour)
        assert change.before != change.after
        assert [text.glyphs for text in first.texts] == [text.glyphs for text in second.texts]
        assert all(text.contrast >= 3 for text in second.texts)


@pytest.mark.parametrize("split", Split)
def test_another_title_author_or_word_is_said_in_letters_of_the_same_size(split: Split) -> None:
    for what in (What.TITLE, What.AUTHOR, What.WORD):
        for seed in range(15):
            first, second, change = draw_pair(random.Random(seed), split, what=what)
            assert isinstance(change.before, Text)
            assert isinstance(change.after, Text)
            assert change.before.text != change.after.text
            assert change.before.size_px == change.after.size_px
            assert change.before in first.texts
            assert change.after in second.texts


def test_a_changed_bar_is_clearly_longer_or_shorter_and_the_extremes_stay_apart() -> None:
    for seed in SEEDS:
        first, second, change = draw_pair(random.Random(seed), Split.SEEN, what=What.BAR)
        assert isinstance(change.before, Mark)
        assert isinstance(change.after, Mark)
        assert isinstance(first.facts, Chart)
        assert isinstance(second.facts, Chart)
        assert change.before.label == change.after.label
        assert abs(change.before.value - change.after.value) >= 0.15
        changed = [a != b for a, b in zip(first.facts.values, second.facts.values, strict=True)]
        assert sum(changed) == 1
        assert first.facts.labels[changed.index(True)] == change.before.label
        ordered = sorted(second.facts.values)
        assert ordered[1] - ordered[0] >= 0.1
        assert ordered[-1] - ordered[-2] >= 0.1


def farthest(one: Drawing, other: Drawing) -> int:
    """The largest difference of any channel of any pixel."""
    return max(high for _, high in ImageChops.difference(one.image, other.image).getextrema())


def test_where_nothing_changed_the_pictures_are_the_same_and_altogether_they_are_not() -> None:
    for seed in SEEDS:
        first, second, _ = draw_pair(random.Random(seed), Split.SEEN, what=What.NOTHING)
        assert first.facts == second.facts
        assert first.image.tobytes() != second.image.tobytes()  # else the product takes them for one
        assert farthest(first, second) == 1
        first, second, _ = draw_pair(random.Random(seed), Split.SEEN, what=What.ALTOGETHER)
        assert first.facts != second.facts


def test_all_changes_are_drawn_and_a_seed_gives_the_same_pair_again() -> None:
    whats = {draw_pair(random.Random(seed), Split.SEEN)[2].what for seed in range(200)}
    assert whats == set(What)
    one, other = (draw_pair(random.Random(7), Split.SEEN) for _ in range(2))
    assert one[2] == other[2]
    assert [d.image.tobytes() for d in one[:2]] == [d.image.tobytes() for d in other[:2]]


def test_one_of_three_or_four_scenes_is_odd_and_its_place_is_told() -> None:
    places = set()
    for seed in SEEDS:
        scenes, odd = draw_odd_one_out(random.Random(seed), Split.SEEN)
        pictures = [scene.image.tobytes() for scene in scenes]
        places.add((len(scenes), odd))
        assert len(set(pictures)) == len(scenes)
        same = [scene for place, scene in enumerate(scenes) if place != odd]
        assert all(farthest(same[0], other) <= 1 for other in same)
        assert farthest(same[0], scenes[odd]) > 20
    assert places == {(3, 0), (3, 1), (3, 2), (4, 0), (4, 1), (4, 2), (4, 3)}
