"""Readings against the truth."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tallywire.records import Count, Reading, Verdict
from tallywire.workshop.demo.grading import grade, number
from tallywire.workshop.demo.summary import percentile
from tests.support.values import make_count, make_reading


def count_of(option: str, value: int | None, read: str) -> Count:
    """A count whose cells read `read`, a character a cell."""
    indices = [10 if mark == "_" else int(mark) for mark in read]
    cells = tuple(tuple(float(at == index) for at in range(11)) for index in indices)
    return replace(make_count(option, value), cells=cells)


def reading_of(*counts: Count, verdict: Verdict = Verdict.ACCEPTED) -> Reading:
    return replace(make_reading(verdict=verdict), counts=counts, scan_id="s")


def test_a_perfect_sheet() -> None:
    found = grade([reading_of(count_of("A", 12, "_12"), count_of("B", 0, "000"))],
                  {"s": {"A": "_12", "B": "000"}})  # fmt: skip
    assert (found.sheets, found.sheets_exact) == (1, 1)
    assert (found.cells, found.cells_exact) == (6, 6)
    assert found.votes_absolute_error == 0


def test_a_wrong_hundred_costs_a_hundred_votes_and_one_cell() -> None:
    found = grade([reading_of(count_of("A", 617, "617"))], {"s": {"A": "117"}})
    assert found.votes_absolute_error == 500
    assert (found.cells_exact, found.sheets_exact) == (2, 0)
    assert (found.accepted, found.accepted_wrong) == (1, 1)


def test_arithmetic_may_put_a_count_right_though_a_cell_was_misread() -> None:
    found = grade([reading_of(count_of("A", 117, "617"))], {"s": {"A": "117"}})
    assert (found.cells_exact, found.sheets_exact) == (2, 1)


def test_held_sheets_are_graded_but_not_accepted() -> None:
    found = grade([reading_of(count_of("A", 1, "001"), verdict=Verdict.HELD)], {"s": {"A": "007"}})
    assert (found.accepted, found.accepted_wrong, found.votes_absolute_error) == (0, 0, 6)


def test_an_empty_row_that_is_read_as_missing_is_exact() -> None:
    found = grade([reading_of(count_of("A", None, "___"))], {"s": {"A": "___"}})
    assert found.sheets_exact == 1


def test_readings_without_a_truth_are_left_out() -> None:
    assert grade([reading_of(count_of("A", 1, "001"))], {}).sheets == 0


@pytest.mark.parametrize(("text", "value"), [("007", 7), ("__7", 7), ("___", None), ("000", 0)])
def test_what_a_row_says(text: str, value: int | None) -> None:
    assert number(text) == value


def test_percentiles_are_values_that_were_measured() -> None:
    values = [5.0, 1.0, 3.0, 2.0, 4.0]
    assert percentile(values, 0.5) == 3.0
    assert percentile(values, 0.99) == 5.0
    assert percentile([], 0.5) == 0.0
