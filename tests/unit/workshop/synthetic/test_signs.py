"""What is written in a row, and the arithmetic of rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallywire.workshop.synthetic.arithmetic import adds_up, misadd, most_votes, row_values
from tallywire.workshop.synthetic.conditions import ConditionName, conditions
from tallywire.workshop.synthetic.signs import (
    Blank,
    Habit,
    compose_row,
    sheet_labels,
    written_value,
)
from tests.support.elections import GREY_SEVEN
from tests.support.scan_files import booth

HABITS = [conditions()[name].habit for name in ConditionName]
VOTES = st.fixed_dictionaries(
    {name: st.integers(0, 80) for name in ("oak", "elm", "ash", "fir", "yew", "spoilt")}
)


@given(st.integers(0, 999), st.sampled_from(HABITS), st.integers(0, 2**32))
def test_a_written_number_reads_as_itself(value: int, habit: Habit, seed: int) -> None:
    signs = compose_row(value, 3, habit, np.random.default_rng(seed))
    assert len(signs) == 3
    assert written_value(signs) == value


@given(st.integers(0, 999), st.integers(0, 2**32))
def test_nothing_but_zeros_or_one_kind_of_blank_comes_before_a_number(
    value: int, seed: int
) -> None:
    habit = conditions()[ConditionName.HARSH].habit
    signs = compose_row(value, 3, habit, np.random.default_rng(seed))
    assert len(set(signs[: 3 - len(str(value))])) <= 1


def test_a_row_of_blanks_says_nothing() -> None:
    assert written_value((Blank.DASH, Blank.DASH, Blank.DASH)) is None
    assert written_value((Blank.EMPTY, Blank.EMPTY, 0)) == 0


@pytest.mark.parametrize("value", [-1, 1000])
def test_a_number_that_does_not_fit_is_refused(value: int) -> None:
    with pytest.raises(ValueError, match="does not fit 3 cells"):
        compose_row(value, 3, HABITS[0], np.random.default_rng(1))


def test_every_way_of_leaving_a_cell_empty_is_the_blank_class() -> None:
    layout = booth(GREY_SEVEN).layout
    signs = {field.id: (Blank.CROSS, Blank.EMPTY, 7) for field in layout.fields}
    signs["oak"] = (Blank.DASH, Blank.SLASH, 0)
    labels = sheet_labels(layout, signs)
    assert labels.dtype == np.uint8
    assert labels[:6].tolist() == [10, 10, 0, 10, 10, 7]


@given(VOTES)
def test_a_total_is_the_sum_of_its_parts(votes: dict[str, int]) -> None:
    layout = booth(GREY_SEVEN).layout
    values = row_values(layout, votes)
    assert values["all"] == sum(votes.values())
    assert adds_up(layout, values)


@given(VOTES, st.integers(0, 2**32))
def test_a_wrong_total_is_wrong_and_possible(votes: dict[str, int], seed: int) -> None:
    layout = booth(GREY_SEVEN).layout
    right = row_values(layout, votes)
    registered = max(sum(votes.values()), 1)
    wrong = misadd(layout, right, registered, np.random.default_rng(seed))
    assert not adds_up(layout, wrong)
    assert 0 <= wrong["all"] <= min(registered, most_votes(layout))
    assert {name: wrong[name] for name in votes} == votes


def test_most_votes_is_what_the_shortest_row_holds() -> None:
    assert most_votes(booth().layout) == 999
