"""How large a picture is kept: geometry only."""

import math

_MOST_CROPS = 16  # as many as any task uses
_CROP = 336  # pixels; the largest crop of the supported models
_SPARE = 2  # kept beyond what the crops use: the model's own resizing then still starts from finer detail


def stored_size(width: int, height: int) -> tuple[int, int]:
    """Width and height in pixels of the stored form: reduced only when far larger than 16 crops can use.

    >>> stored_size(4000, 3000)     # 16 crops use 1344 x 1008 of it
    (2688, 2016)
    >>> stored_size(1920, 1080)
    (1920, 1080)
    """
    longer = max(width, height)
    kept = _SPARE * _CROP * _crops_across(longer / min(width, height))
    if longer <= kept:
        return width, height
    return -(-width * kept // longer), -(-height * kept // longer)  # rounded up


def _crops_across(aspect: float) -> int:
    """Crops along the longer side: s grows while s columns of as many rows as they need are at most 16 crops."""
    across = 1
    while (across + 1) * math.ceil((across + 1) / aspect) <= _MOST_CROPS:
        across += 1
    return across
