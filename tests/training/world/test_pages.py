"""Things to read."""

import itertools
import random

import pytest

from training.drawing import Page
from training.world import Split, draw_page

SEEDS = range(80)


def _page(seed: int, what: str) -> Page:
    facts = draw_page(random.Random(seed), Split.SEEN, what=what).facts
    assert isinstance(facts, Page)
    assert facts.what == what
    return facts


@pytest.mark.parametrize(("what", "counts"), [("sign", {1, 2, 3}), ("page", {2, 3, 4, 5})])
def test_signs_have_one_to_three_lines_and_pages_two_to_five(what: str, counts: set[int]) -> None:
    pages = [_page(seed, what) for seed in SEEDS]
    assert {len(page.rows) for page in pages} == counts
    assert all(len(row) == 1 for page in pages for row in page.rows)


@pytest.mark.parametrize("what", ["sign", "page", "receipt", "table"])
def test_rows_are_told_from_top_to_bottom_and_cells_from_the_left(what: str) -> None:
    for seed in SEEDS:
        rows = _page(seed, what).rows
        for above, below in itertools.pairwise(rows):
            assert above[0].box[3] <= below[0].box[1] + 1
        for row in rows:
            for left, right in itertools.pairwise(row):
                assert left.box[2] < right.box[0]


def test_a_receipts_last_line_is_the_sum_of_its_prices() -> None:
    for seed in SEEDS:
        rows = [row for row in _page(seed, "receipt").rows if len(row) == 2]
        *items, total = rows
        assert 2 <= len(items) <= 5
        assert total[0].text == "Total"
        assert float(total[1].text) == pytest.approx(sum(float(price.text) for _, price in items))
        ends = [price.box[2] for _, price in rows]
        assert max(ends) - min(ends) < 0.2 * total[1].size_px  # prices are aligned on the right


def test_tables_have_a_header_over_two_to_four_rows_of_two_or_three_columns() -> None:
    tables = [_page(seed, "table").rows for seed in SEEDS]
    assert {len(rows) for rows in tables} == {3, 4, 5}
    assert {len(rows[0]) for rows in tables} == {2, 3}
    for rows in tables:
        assert {len(row) for row in rows} == {len(rows[0])}
        assert not any(cell.text.isdigit() for cell in rows[0])
    assert any(cell.text.isdigit() for rows in tables for row in rows for cell in row)
