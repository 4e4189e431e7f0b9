"""From probabilities to a verdict, as an official would check it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallywire.reading.interpret import Interpretation, interpret
from tallywire.reading.policy import Policy
from tallywire.reasons import Code
from tallywire.records import Quality, Verdict
from tests.support.cell_probabilities import doubt, make_layout, sheet

LAYOUT = make_layout(3, 3, cap=True)
GOOD = ["120", "045", "__3", "168"]


def read(rows: list[str], registered: int = 700, sure: float = 0.9999) -> Interpretation:
    return interpret(sheet(rows, sure), LAYOUT, registered, Policy())


def codes(found: Interpretation) -> list[Code]:
    return [reason.code for reason in found.reasons]


def values(found: Interpretation) -> list[int | None]:
    return [count.value for count in found.counts]


def test_a_clear_sheet_that_adds_up_is_accepted() -> None:
    found = read(GOOD)
    assert found.verdict is Verdict.ACCEPTED
    assert found.reasons == ()
    assert values(found) == [120, 45, 3, 168]
    assert found.quality is Quality.HIGH
    assert found.error_probability < 0.001


def test_arithmetic_decides_a_doubtful_digit_and_says_so() -> None:
    found = interpret(doubt(sheet(GOOD, 0.9999), 1, {7: 0.6, 2: 0.4}), LAYOUT, 700, Policy())
    count = found.counts[0]
    assert (count.written, count.value, count.changed_by) == (170, 120, "adds_up")
    assert count.runner_up == 170
    assert found.adds_up > 0.95


def test_a_paper_that_does_not_add_up_is_held_and_recorded_as_written() -> None:
    found = read(["120", "045", "003", "178"], sure=0.999999)
    assert found.verdict is Verdict.HELD
    assert values(found) == [120, 45, 3, 178]
    assert all(count.changed_by is None for count in found.counts)
    reason = found.reasons[0]
    assert reason.code is Code.TOTAL_MISMATCH
    assert reason.evidence["sum"] == 168
    assert reason.evidence["total"] == 178
    assert found.adds_up < 0.01


def test_an_empty_row_is_reported_even_where_arithmetic_would_make_it_a_zero() -> None:
    found = read(["120", "045", "___", "165"])
    assert Code.MISSING_COUNT in codes(found)
    assert values(found)[2] is None


def test_a_blank_sheet_is_held_as_such() -> None:
    assert codes(read(["___"] * 4)) == [Code.BLANK_SHEET]


def test_more_votes_than_registered_voters() -> None:
    found = read(GOOD, registered=150)
    assert Code.OVER_REGISTERED in codes(found)
    reason = next(one for one in found.reasons if one.code is Code.OVER_REGISTERED)
    assert reason.evidence["value"] == 168
    assert reason.evidence["registered"] == 150


def test_a_doubt_that_arithmetic_cannot_settle_is_held_with_both_readings() -> None:
    layout = make_layout(3, 3, total=False)
    cells = doubt(sheet(GOOD[:3], 0.9999), 2, {0: 0.6, 6: 0.4})
    found = interpret(cells, layout, 700, Policy())
    assert codes(found) == [Code.DOUBTFUL_COUNT, Code.DOUBTFUL_SHEET]
    assert found.reasons[0].evidence["runner_up"] == 126
    assert found.error_probability == pytest.approx(0.4, abs=0.01)


def test_high_quality_does_not_mean_accepted() -> None:
    layout = make_layout(1, 3, total=False)
    cells = doubt(sheet(["120"], 1.0), 2, {0: 0.4, 6: 0.35, 8: 0.25})
    found = interpret(cells, layout, 700, Policy())
    assert found.quality is Quality.HIGH
    assert found.verdict is Verdict.HELD


def test_probabilities_must_fit_the_layout() -> None:
    with pytest.raises(ValueError, match="12, 11"):
        interpret(np.zeros((3, 11), np.float32), LAYOUT, 700, Policy())


@given(st.lists(st.integers(0, 300), min_size=3, max_size=3))
def test_certainty_reproduces_what_is_written(parts: list[int]) -> None:
    total = sum(parts)
    found = read([f"{value:03d}" for value in [*parts, total]], registered=2000)
    assert values(found) == [*parts, total]
    assert found.verdict is Verdict.ACCEPTED


@given(st.lists(st.integers(0, 200), min_size=3, max_size=3), st.integers(1, 300))
def test_a_mismatch_in_clear_ink_is_never_repaired(parts: list[int], wrong: int) -> None:
    rows = [f"{value:03d}" for value in [*parts, (sum(parts) + wrong) % 1000]]
    found = read(rows, registered=2000)
    assert values(found) == [int(row) for row in rows]
    assert found.verdict is Verdict.HELD


@given(st.lists(st.integers(0, 300), min_size=3, max_size=3), st.integers(0, 11), st.floats(0, 1))
def test_probabilities_stay_probabilities(parts: list[int], cell: int, share: float) -> None:
    cells = sheet([f"{value:03d}" for value in [*parts, sum(parts)]], 0.99)
    cells = doubt(cells, cell, {3: share, 10: 1 - share})
    found = interpret(cells, LAYOUT, 700, Policy())
    assert 0 <= found.error_probability <= 1
    assert 0 <= found.adds_up <= 1
    assert all(0 <= count.probability <= 1 for count in found.counts)
