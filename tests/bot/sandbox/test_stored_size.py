import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sandbox.stored_size import stored_size
from inference_worker.image.tiling import choose_tiling

sides = st.integers(min_value=1, max_value=20_000)


@given(sides, sides)
def test_sixteen_crops_never_use_more_than_is_kept(width: int, height: int) -> None:
    if max(width, height) > 100 * min(width, height):
        return  # refused before
    used = choose_tiling(width, height, max_crops=16, crop_size=336, tokens_per_side=12).resized
    kept_width, kept_height = stored_size(width, height)
    assert kept_width >= min(width, used.width)
    assert kept_height >= min(height, used.height)


@given(sides, sides)
def test_the_kept_size_has_the_same_aspect_and_a_bound(width: int, height: int) -> None:
    kept_width, kept_height = stored_size(width, height)
    assert kept_width <= width
    assert kept_height <= height
    assert kept_width * kept_height <= 2 * 2 * 16 * 336**2 + max(kept_width, kept_height)
    assert abs(kept_width * height - kept_height * width) <= max(width, height)


@pytest.mark.parametrize(
    ("size", "kept"),
    [
        ((336, 336), (336, 336)),
        ((2688, 2016), (2688, 2016)),
        ((3000, 4000), (2016, 2688)),
        ((9000, 9000), (2688, 2688)),
        ((20_000, 1000), (10_752, 538)),
    ],
)
def test_only_far_larger_pictures_are_reduced(size: tuple[int, int], kept: tuple[int, int]) -> None:
    assert stored_size(*size) == kept
