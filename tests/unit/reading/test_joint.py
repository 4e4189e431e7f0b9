"""Joint decoding against brute force, and what it must never do."""

from __future__ import annotations

import time
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tallywire.reading.joint import decode
from tallywire.reading.rows import RowReading, read_row
from tallywire.reading.tree import plant
from tallywire.sheet.layout import EqualRule, SumRule

PRIOR, SPREAD = 0.1, 10.0


@st.composite
def small_sheets(draw: st.DrawFn) -> dict[str, RowReading]:
    """One to three parts and a total, one digit each, any probabilities."""
    names = [f"o{n}" for n in range(draw(st.integers(1, 3)))] + ["total"]
    values = arrays(np.float64, (1, 11), elements=st.sampled_from([0.0, 0.05, 0.3, 1.0, 2.0]))
    cells = {name: draw(values) + 1e-3 for name in names}
    return {name: read_row(found / found.sum()) for name, found in cells.items()}


def weights(row: RowReading) -> np.ndarray:
    """Weights of counts in a sum: an empty row adds nothing."""
    found = row.counts.copy()
    found[0] += row.missing
    return found


def brute_force(rows: dict[str, RowReading]) -> dict[tuple[int, ...], float]:
    """Weight of every consistent set of counts, in the order of `rows` (the total is last)."""
    parts = [weights(row) for row in rows.values()]
    return {
        values: float(np.prod([part[value] for part, value in zip(parts, values, strict=True)]))
        for values in product(range(10), repeat=len(parts))
        if sum(values[:-1]) == values[-1]
    }


@given(small_sheets())
@settings(max_examples=60)
def test_the_decoded_counts_are_the_most_probable_consistent_ones(
    rows: dict[str, RowReading],
) -> None:
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
def test_every_rows_posterior_is_the_enumerated_one(rows: dict[str, RowReading]) -> None:
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
def test_the_order_of_rows_is_irrelevant(rows: dict[str, RowReading], random: object) -> None:
    parts = list(rows)[:-1]
    first = decode(rows, plant([SumRule("s", "total", tuple(parts))]), {}, PRIOR, SPREAD)
    random.shuffle(parts)  # type: ignore[attr-defined]
    second = decode(rows, plant([SumRule("s", "total", tuple(parts))]), {}, PRIOR, SPREAD)
    assert second.adds_up == pytest.approx(first.adds_up)
    assert second.share == pytest.approx(first.share)


def certain(count: int, cells: int) -> RowReading:
    counts = np.full(10**cells, 1e-9)
    counts[count] = 1
    return RowReading(counts, 0.0)


def test_subtotals_are_a_tree() -> None:
    values = {"a": 3, "b": 4, "left": 7, "c": 5, "total": 12}
    rows = {name: certain(value, 2) for name, value in values.items()}
    rows["left"] = RowReading(np.full(100, 0.01), 0.0)  # unreadable, but told by the others
    tree = plant([SumRule("l", "left", ("a", "b")), SumRule("t", "total", ("left", "c"))])
    found = decode(rows, tree, {}, PRIOR, SPREAD)
    assert found.counts == values
    assert found.posterior["left"][7] == pytest.approx(1, abs=1e-3)


def test_a_cap_rules_out_totals_beyond_it() -> None:
    rows = {"a": certain(7, 1), "b": certain(1, 1), "total": certain(8, 1)}
    tree = plant([SumRule("s", "total", ("a", "b"))])
    assert decode(rows, tree, {"total": 8}, PRIOR, SPREAD).adds_up > 0.9
    assert decode(rows, tree, {"total": 7}, PRIOR, SPREAD).adds_up < 0.1


NESTED = {
    "a subtotal written out": [("v", "ab"), ("t", "abc")],
    "two totals of one sum": [("t", "ab"), ("u", "ab"), ("w", "uc")],
    "totals of totals": [("v", "ab"), ("w", "cd"), ("t", "abcd")],
}


@pytest.mark.parametrize("rules", NESTED.values(), ids=NESTED)
def test_rules_that_overlap_by_nesting_are_decoded_exactly(rules: list[tuple[str, str]]) -> None:
    sums = [SumRule(str(n), total, tuple(parts)) for n, (total, parts) in enumerate(rules)]
    fields = sorted({field for rule in sums for field in (rule.total, *rule.parts)})
    free = [field for field in fields if field not in {rule.total for rule in sums}]
    rng = np.random.default_rng(4)
    rows = {field: RowReading(rng.dirichlet(np.full(10, 0.4)), 0.0) for field in fields}
    found = decode(rows, plant(sums), {}, PRIOR, SPREAD)
    best = 0.0
    for values in product(range(10), repeat=len(free)):
        counts = dict(zip(free, values, strict=True))
        for rule in sums:
            counts[rule.total] = sum(counts[part] for part in rule.parts)
        if max(counts.values()) < 10:
            best = max(best, float(np.prod([rows[f].counts[v] for f, v in counts.items()])))
    assert found.counts is not None
    counts = dict(found.counts)
    assert all(counts[r.total] == sum(counts[part] for part in r.parts) for r in sums)
    assert float(np.prod([rows[f].counts[v] for f, v in counts.items()])) == pytest.approx(best)


@pytest.mark.parametrize(
    "rules",
    [
        [SumRule("1", "t", ("a", "b")), SumRule("2", "u", ("a", "c"))],
        [SumRule("1", "t", ("a",)), SumRule("2", "t", ("b",))],
        [SumRule("1", "a", ("b",)), SumRule("2", "b", ("a",))],
    ],
    ids=["a field in two sums", "two rules for one total", "a circle"],
)
def test_a_rule_that_fits_no_tree_is_left_to_the_judge(rules: list[SumRule]) -> None:
    assert [rule.id for rule in plant(rules).rules.values()] == ["1"]


EQUAL = {
    "a total said twice": ([("t", "ab")], [("t", "u")]),
    "the other way round": ([("t", "ab")], [("u", "t")]),
    "a row that goes on": ([("t", "ab"), ("w", "xc")], [("t", "x")]),
    "three that agree": ([("t", "ab")], [("x", "t", "u")]),
}


@pytest.mark.parametrize(("rules", "equals"), EQUAL.values(), ids=EQUAL)
def test_rows_that_agree_are_decoded_with_the_sums(
    rules: list[tuple[str, str]], equals: list[tuple[str, ...]]
) -> None:
    sums = [SumRule(str(n), total, tuple(parts)) for n, (total, parts) in enumerate(rules)]
    same = [EqualRule(f"e{n}", fields) for n, fields in enumerate(equals)]
    tree = plant(sums, same)
    links = sum(len(rule.fields) - 1 for rule in same)
    assert len(tree.rules) == len(sums) + links
    fields = sorted(
        {*(f for r in sums for f in (r.total, *r.parts)), *(f for r in same for f in r.fields)}
    )
    rng = np.random.default_rng(5)
    rows = {field: RowReading(rng.dirichlet(np.full(10, 0.4)), 0.0) for field in fields}
    best, weighed = 0.0, 0.0
    for values in product(range(10), repeat=len(fields)):
        counts = dict(zip(fields, values, strict=True))
        if all(counts[r.total] == sum(counts[p] for p in r.parts) for r in sums) and all(
            len({counts[f] for f in r.fields}) == 1 for r in same
        ):
            weight = float(np.prod([rows[f].counts[v] for f, v in counts.items()]))
            best, weighed = max(best, weight), weighed + weight
    found = decode(rows, tree, {}, PRIOR, SPREAD)
    assert found.counts is not None
    assert found.share == pytest.approx(best / weighed)


def test_two_sums_that_must_agree_fit_no_tree_and_are_left_to_the_judge() -> None:
    sums = [SumRule("1", "t", ("a", "b")), SumRule("2", "u", ("c", "d"))]
    assert {rule.id for rule in plant(sums, [EqualRule("3", ("t", "u"))]).rules.values()} == {
        "1",
        "2",
    }


def test_fifteen_rows_are_decoded_exactly_in_about_two_milliseconds() -> None:
    """The time is printed (pytest -s), not judged: it would measure how busy the machine is."""
    rng = np.random.default_rng(1)
    values = rng.integers(0, 60, 14)
    truth = dict(zip([f"o{n}" for n in range(14)], map(int, values), strict=True))
    truth["total"] = int(values.sum())
    rows = {name: _doubtful(value, rng) for name, value in truth.items()}
    tree = plant([SumRule("sum", "total", tuple(truth)[:-1])])
    start_s = time.process_time()
    for _ in range(20):
        found = decode(rows, tree, {}, PRIOR, SPREAD)
    print(f"joint decoding of 15 rows: {(time.process_time() - start_s) * 50:.2f} ms")
    assert found.counts == truth


def _doubtful(value: int, rng: np.random.Generator) -> RowReading:
    counts = np.full(1000, 2e-7)
    counts[rng.integers(0, 1000, 60)] = 1e-5
    counts[value] = 0.9
    return RowReading(counts, 0.0)
