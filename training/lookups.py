"""What a token knows only from elsewhere in its picture: what its label stands for, and its place in a list or table."""

from collections.abc import Iterator

import msgspec
import numpy as np
from numpy.typing import NDArray

from training.drawing import Chart, Drawing, Page, Text
from training.labels import IGNORED
from training.placement import Placement

MOST_ORDINALS = 8  # lines or columns that are told apart

Rows = NDArray[np.int64]


class TokenLookups(msgspec.Struct, frozen=True, kw_only=True):
    """Of tokens that show one text. All rows are within the picture's slot."""

    rows: Rows  # (tokens,)
    values: NDArray[np.float32]  # (tokens,) of the mark that it labels; NaN is unknown
    lines: Rows  # (tokens,) from the top, of a list, a table or a chart's lying bars; -1 is ignored
    columns: Rows  # (tokens,) from the left, of a table or a chart's marks
    queries: Rows  # (looks,) labels
    keys: Rows  # (looks,) where it is seen how large the label's mark is


class _Told(msgspec.Struct, frozen=True):
    """Of one token."""

    value: float = np.nan
    line: int = IGNORED
    column: int = IGNORED
    keys: tuple[int, ...] = ()


def look_up_tokens(drawing: Drawing, placement: Placement) -> TokenLookups:
    """Lines and columns of texts, and the values of charts' labels. A token that shows two texts is left out."""
    found: dict[int, list[_Told]] = {}
    for row, told in _tell(drawing, placement):
        found.setdefault(row, []).append(told)
    alone = {row: told[0] for row, told in found.items() if len(told) == 1}
    looks = [(row, key) for row, told in alone.items() for key in told.keys]
    return TokenLookups(
        rows=np.array(list(alone), dtype=np.int64),
        values=np.array([told.value for told in alone.values()], dtype=np.float32),
        lines=np.array([told.line for told in alone.values()], dtype=np.int64),
        columns=np.array([told.column for told in alone.values()], dtype=np.int64),
        queries=np.array([row for row, _ in looks], dtype=np.int64),
        keys=np.array([key for _, key in looks], dtype=np.int64),
    )


def _tell(drawing: Drawing, placement: Placement) -> Iterator[tuple[int, _Told]]:
    match drawing.facts:
        case Page(rows=lines):
            for line, texts in enumerate(lines):
                for column, text in enumerate(texts):
                    yield from _each(placement, text, _Told(line=_ordinal(line), column=_ordinal(column)))
        case Chart() as chart:
            yield from _tell_chart(chart, placement)
        case _:
            pass


def _tell_chart(chart: Chart, placement: Placement) -> Iterator[tuple[int, _Told]]:
    """Labels below their marks have them before them; those of pies and lying bars only in the whole picture."""
    for n, (label, value, end) in enumerate(zip(chart.labels, chart.values, chart.ends, strict=True)):
        if chart.what == "pie":
            keys = tuple(placement.rows_of_whole(chart.spots[n])) if chart.spots else ()
        else:
            keys = tuple(placement.rows((end,)))
        known = _Told(value=value, keys=keys)
        if chart.what != "pie" and chart.lying:
            yield from _each(placement, label, _Told(line=_ordinal(n)))
        elif chart.what != "pie":
            yield from _each(placement, label, msgspec.structs.replace(known, column=_ordinal(n)))
        for row in placement.rows_of_whole((label.box,)):
            yield row, msgspec.structs.replace(known, keys=tuple(key for key in keys if key <= row))


def _each(placement: Placement, text: Text, told: _Told) -> Iterator[tuple[int, _Told]]:
    return ((row, told) for row in placement.rows((text.box,)))


def _ordinal(number: int) -> int:
    return number if number < MOST_ORDINALS else IGNORED
