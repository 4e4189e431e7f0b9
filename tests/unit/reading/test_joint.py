"""Joint decoding against brute force, and what it must never do."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tallywire.reading.joint import decode
from tallywire.reading.rows import Row, read_row
from tallywire.reading.tree import plant
from tallywire.sheet.layout import SumRule

PRIOR, SPREAD = 0.1, 10.0


@st.composite
def small_sheets(draw: st.DrawFn) -> dict[str, Row]:
    """One to three parts and a total, one digit each, any probabilities."""
    names = [f"o{n}" for n in range(draw(st.integers(1, 3)))] + ["total"]
    values = arrays(np.float64, (1, 11), elements=st.sampled_from([0.0, 0.05, 0.3, 1.0, 2.0]))
    cells = {name: draw(values) + 1e-3 for name in names}
    return {name: read_row(found / found.sum()) for name, found in cells.items()}


def weights(row: Row) -> np.ndarray:
    """Weights of counts in a sum: an empty row adds nothing."""
    found = row.counts.copy()
    found[0] += row.missing
    return found


def brute_force(rows: dict[str, Row]) -> dict[tuple[int, ...], float]:
    """Weight of every consistent set of counts, in the order of `rows` (the total is last)."""
    parts = [weights(row) for row in rows.values()]
    return {
        values: float(np.prod([part[value] for part, value in zip(parts, values, strict=True)]))
        for values in product(range(10), repeat=len(parts))
        if sum(values[:-1]) == values[-1]
    }


@given(small_sheets())
@settings(max_examples=60)
def test_the_decoded_counts_are_the_most_probable_consistent_ones(rows: dict[str, Row]) -> None:
    every = brute_force(rows)
    tree = plant([SumRule("sum", "total", tuple(rows)[:-1])])
    found = decode(rows, tree, {}, PRIOR, SPREAD)
    assert found.counts is not None
    assert every[tuple(found.counts[name] for name in rows)] == pytest.approx(max(every.values()))
    total = sum(every.values())
    assert found.share == pytest.approx(max(every.values()) / total)
    odds = (1 - PRIOR) * SPREAD * total
    assert found.adds_up == pytest.approx(odds / (odds + PRIOR))


@given(small_sheets())
@settings(max_examples=60)
def test_every_rows_posterior_is_the_enumerated_one(rows: dict[str, Row]) -> None:
    every = brute_force(rows)
    tree = plant([SumRule("sum", "total", tuple(rows)[:-1])])
    posterior = decode(rows, tree, {}, PRIOR, SPREAD).posterior
    for at, name in enumerate(rows):
        expected = np.zeros(10)
        for values, weight in every.items():
            expected[values[at]] += weight
        np.testing.assert_allclose(posterior[name], expected / expected.sum(), atol=1e-6)


@given(small_sheets(), st.randoms(use_true_random=False))
@settings(max_examples=30)
def test_the_order_of_rows_is_irrelevant(rows: dict[str, Row], random: object) -> None:
    parts = list(rows)[:-1]
    first = decode(rows, plant([SumRule("s", "total", tuple(parts))]), {}, PRIOR, SPREAD)
    random.shuffle(parts)  # type: ignore[attr-defined]
    second = decode(rows, plant([SumRule("s", "total", tuple(parts))]), {}, PRIOR, SPREAD)
    assert second.adds_up == pytest.approx(first.adds_up)
    assert second.share == pytest.approx(first.share)


def certain(count: int, cells: int) -> Row:
    counts = np.full(10**cells, 1e-9)
    counts[count] = 1
    return Row(counts, 0.0)


def test_subtotals_are_a_tree() -> None:
    values = {"a": 3, "b": 4, "left": 7, "c": 5, "total": 12}
    rows = {name: certain(value, 2) for name, value in values.items()}
    rows["left"] = Row(np.full(100, 0.01), 0.0)  # unreadable, but told by the others
    tree = plant([SumRule("l", "left", ("a", "b")), SumRule("t", "total", ("left", "c"))])
    found = decode(rows, tree, {}, PRIOR, SPREAD)
    assert found.counts == values
    assert found.posterior["left"][7] == pytest.approx(1, abs=1e-3)


def test_a_cap_rules_out_totals_beyond_it() -> None:
    rows = {"a": certain(7, 1), "b": certain(1, 1), "total": certain(8, 1)}
    tree = plant([SumRule("s", "total", ("a", "b"))])
    assert decode(rows, tree, {"total": 8}, PRIOR, SPREAD).adds_up > 0.9
    assert decode(rows, tree, {"total": 7}, PRIOR, SPREAD).adds_up < 0.1


@pytest.mark.parametrize(
    "rules",
    [
        [SumRule("1", "t", ("a", "b")), SumRule("2", "u", ("a", "c"))],
        [SumRule("1", "t", ("a",)), SumRule("2", "t", ("b",))],
        [SumRule("1", "a", ("b",)), SumRule("2", "b", ("a",))],
    ],
    ids=["a field in two sums", "two rules for one total", "a circle"],
)
def test_rules_that_are_no_tree_are_refused(rules: list[SumRule]) -> None:
    with pytest.raises(ValueError, match=r"sum|circle"):
        plant(rules)
