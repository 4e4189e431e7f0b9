"""What three cells may say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tallywire.reading.rows import IRREGULAR_PRIOR, read_row
from tallywire.sheet.layout import EmptyRow
from tests.support.cell_probabilities import written

cell_arrays = arrays(np.float64, (3, 11), elements=st.floats(0.001, 1)).map(
    lambda cells: cells / cells.sum(axis=1, keepdims=True)
)


@pytest.mark.parametrize(
    ("text", "count"),
    [("007", 7), ("__7", 7), ("_07", 7), ("120", 120), ("000", 0), ("__0", 0), ("999", 999)],
)
def test_leading_cells_may_be_zero_or_empty(text: str, count: int) -> None:
    row = read_row(written(text))
    assert row.best == count
    assert row.probability(count) == pytest.approx(1)


def test_an_empty_row_is_missing_and_never_a_zero() -> None:
    row = read_row(written("___"))
    assert row.best is None
    assert row.missing == pytest.approx(1)
    assert row.probability(0) == 0


@pytest.mark.parametrize(("text", "count"), [("45_", 45), ("4_5", 45), ("_4_", 4)])
def test_a_blank_behind_a_digit_is_read_but_never_sure(text: str, count: int) -> None:
    row = read_row(written(text))
    assert row.best == count
    assert row.probability(count) == pytest.approx(IRREGULAR_PRIOR)


def test_one_doubtful_cell_is_shared_between_two_counts() -> None:
    cells = written("12_")
    cells[2] = 0
    cells[2, [3, 8]] = 0.7, 0.3
    row = read_row(cells)
    assert row.probability(123) == pytest.approx(0.7)
    assert row.probability(128) == pytest.approx(0.3)


@given(cell_arrays)
def test_a_row_is_a_distribution_but_for_irregular_patterns(cells: np.ndarray) -> None:
    row = read_row(cells)
    total = row.counts.sum() + row.missing
    assert 0 <= total <= 1 + 1e-9
    blank = cells[:, 10]
    irregular = (1 - blank[0]) * (1 - (1 - blank[1]) * (1 - blank[2]))
    irregular += blank[0] * (1 - blank[1]) * blank[2]
    assert total == pytest.approx(1 - irregular * (1 - IRREGULAR_PRIOR))


@given(st.integers(1, 6), st.data())
def test_rows_of_any_length_are_read(cells: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(0, 10**cells - 1))
    assert read_row(written(f"{count:0{cells}d}", 0.99)).best == count


def test_where_an_empty_row_is_a_zero_nothing_is_missing() -> None:
    row = read_row(written("___"), EmptyRow.ZERO)
    assert (row.best, row.missing, row.counts[0]) == (0, 0.0, 1.0)
    assert read_row(written("_12"), EmptyRow.ZERO).best == 12
