"""The numbers behind the paper's figures."""

from __future__ import annotations

from tallywire.ledger.state import StationState, apply
from tallywire.records import Quality, Verdict
from tallywire.results.figures import Tally, official_totals, pair_up, shares, spreads, tallies_of
from tallywire.results.report_page import ReportPage, write_page
from tests.support.values import make_election, make_reading

ELECTION = make_election()
CONTEST = ELECTION.contests[0]
TALLIES = [
    Tally("d1-1", {"A": 10, "B": 30, "null": 0}, Quality.HIGH, held=False),
    Tally("d1-2", {"A": 50, "B": 10, "null": 0}, Quality.MODERATE, held=True),
]
TRUTH = {"d1-1": {"A": 10, "B": 30, "null": 0}, "d1-2": {"A": 50, "B": 70, "null": 0}}


def test_tallies_are_the_counted_record_or_else_the_held_one() -> None:
    empty = StationState("d1-1", "mayor", "d1", 700)
    counted = apply(empty, make_reading(offset=0)).state
    held = apply(empty, make_reading(offset=0, verdict=Verdict.HELD)).state
    found = tallies_of([counted, held, empty], "mayor")
    assert [tally.held for tally in found] == [False, True]
    assert tallies_of([counted], "another contest") == []


def test_pairs_of_equal_counts_are_counted_together() -> None:
    pairs = pair_up(TALLIES, TRUTH)
    assert sum(pair.times for pair in pairs) == 6
    wrong = [pair for pair in pairs if pair.official != pair.predicted]
    assert [(one.official, one.predicted, one.quality) for one in wrong] == [
        (70, 10, Quality.MODERATE)
    ]


def test_shares_by_quality() -> None:
    first = shares(TALLIES, CONTEST, official_totals(CONTEST, TRUTH))[0]
    assert first.official == 60 / 160
    assert first.everything == 0.6
    assert first.high_only == 0.25


def test_shares_without_an_official_result() -> None:
    assert official_totals(CONTEST, {}) is None
    assert shares(TALLIES, CONTEST, None)[0].official is None


def test_spreads_are_sorted_counts() -> None:
    first = spreads(TALLIES, CONTEST)[0]
    assert first.counts == (10, 50)
    assert (first.quantile(0), first.quantile(1)) == (10, 50)


def test_the_page_is_self_contained_and_says_what_it_is() -> None:
    official = official_totals(CONTEST, TRUTH)
    page = write_page(
        ReportPage(
            ELECTION, CONTEST, "g1", TALLIES, pair_up(TALLIES, TRUTH),
            shares(TALLIES, CONTEST, official), spreads(TALLIES, CONTEST),
        )
    )  # fmt: skip
    assert page.count("data:image/png;base64,") == 3
    assert "http" not in page.replace("http-equiv", "")
    assert "UNOFFICIAL - TEST" in page
    assert "37.50%" in page
