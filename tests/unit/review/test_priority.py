"""The order of the queue."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tallywire.election.election import Contest
from tallywire.reasons import Reason
from tallywire.review.priority import margin, order, probability_wrong
from tests.support.reviewed_stations import BESIDE, DOUBT, EMPTY, ROW, SUMS, held, state_of
from tests.support.values import make_election, make_reading

MAYOR = make_election().contests[0]


@pytest.mark.parametrize(
    ("reasons", "expected"),
    [((), 0.0), ((DOUBT, ROW), 0.2), ((ROW,), 0.1), ((SUMS, DOUBT), 1.0), ((BESIDE,), 1.0)],
)
def test_how_likely_a_sheet_is_wrong(reasons: tuple[Reason, ...], expected: float) -> None:
    assert probability_wrong(reasons) == pytest.approx(expected)


def test_the_weightiest_case_comes_first() -> None:
    cases = order(
        [
            held(DOUBT, station="d1-1", votes={"A": 100, "B": 100}),  # 0.2 x 200
            held(SUMS, station="d1-2", votes={"A": 50, "B": 10}),  # 1 x 60
            held(EMPTY, station="d1-3", votes={"A": None}),  # 1 x 700 registered
            held(SUMS, station="d2-1", votes={"A": 300}),  # 1 x 300, but a safe district
        ],
        {("d1", "mayor"): 9, ("d2", "mayor"): 9999},
    )
    assert [case.state.station for case in cases] == ["d1-3", "d1-2", "d1-1", "d2-1"]
    assert [case.stake for case in cases] == [700, 60, 200, 300]
    assert cases[0].impact == 70.0


def test_a_dispute_weighs_what_the_two_scans_disagree_about() -> None:
    first = make_reading("d1-1", 0, votes={"A": 100, "B": 50})
    other = make_reading("d1-1", 1, votes={"A": 90, "B": 53})
    (case,) = order([state_of(first, other)], {})
    assert (case.stake, case.wrong, case.entry.votes["A"]) == (13, 1.0, 90)
    (same,) = order([state_of(first, make_reading("d1-1", 1, votes={"A": 100, "B": 50}))], {})
    assert (same.stake, same.impact) == (0, 0.0)


def test_the_margin_is_between_the_two_leading_candidates() -> None:
    totals = {
        "votes|mayor|A|accepted|high": 100,
        "votes|mayor|A|corrected|moderate": 5,
        "votes|mayor|B|accepted|moderate": 80,
        "votes|mayor|B|held|high": 500,
        "votes|mayor|null|accepted|high": 90,
    }
    parties = replace(MAYOR, options=MAYOR.options[:2])
    assert margin(parties, totals) == 25
    assert margin(parties, {}) == 0
    assert margin(Contest("x", "X", "x", MAYOR.options[:1], {}), totals) == 0
