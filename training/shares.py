"""How large a slice of a pie is, told wherever the slice or its label is seen: it takes the whole pie at once."""

from collections import Counter
from collections.abc import Iterator

import msgspec
import numpy as np
from numpy.typing import NDArray

from training.drawing import Box, Chart, Drawing
from training.labels import PATCHES
from training.placement import Placement, centres

FEWEST = 3  # spots of a slice in a patch that shows it
MOST_OF = 0.7  # of a patch's spots, so that it shows one slice and hardly another


class TokenShares(msgspec.Struct, frozen=True, kw_only=True):
    """Of the whole picture's tokens that show slices or labels: the parts of the pie, patch by patch; NaN is unknown."""

    rows: NDArray[np.int64]  # (tokens,) within the picture's slot
    truths: NDArray[np.float32]  # (tokens, 4)


def share_tokens(drawing: Drawing, placement: Placement) -> TokenShares:
    """Of patches that show one slice, or its label, and hardly another."""
    truths: dict[int, list[float]] = {}
    if isinstance(chart := drawing.facts, Chart):
        for (line, column), place in _show(chart, placement):
            row = placement.row_of_whole(line // 2, column // 2)
            truths.setdefault(row, [np.nan] * PATCHES)[2 * (line % 2) + column % 2] = chart.values[place]
    return TokenShares(
        rows=np.array(list(truths), dtype=np.int64),
        truths=np.array(list(truths.values()), dtype=np.float32).reshape(-1, PATCHES),
    )


def _show(chart: Chart, placement: Placement) -> Iterator[tuple[tuple[int, int], int]]:
    """Patches, line and column, and which slice each shows; there are no spots but a pie's."""
    shown: dict[tuple[int, int], list[int]] = {}
    for place, spots in enumerate(chart.spots):
        for patch in _patches(placement, spots):
            shown.setdefault(patch, []).append(place)
        for patch in _patches(placement, chart.labels[place].glyphs):
            shown.setdefault(patch, []).extend([place] * FEWEST)
    for patch, places in shown.items():
        ((place, count),) = Counter(places).most_common(1)
        if count >= max(FEWEST, MOST_OF * len(places)):
            yield patch, place


def _patches(placement: Placement, boxes: tuple[Box, ...]) -> Iterator[tuple[int, int]]:
    """Line and column of the patch that each box's middle lies in."""
    across, down = centres(placement.place_in_whole(boxes) * 2)
    return zip(down.astype(np.int64).tolist(), across.astype(np.int64).tolist(), strict=True)
