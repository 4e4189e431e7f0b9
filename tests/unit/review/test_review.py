"""The order of the queue, and what stands between a typed number and a correction."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from tallywire.election.election import Contest
from tallywire.election.loading import load_election
from tallywire.errors import UsageError
from tallywire.ledger.state import Event, StationState, apply
from tallywire.reasons import Code, Reason
from tallywire.records import Verdict
from tallywire.review.display import print_queue
from tallywire.review.draft import DraftCorrection, change, parse_sets, problems_of, require, shown
from tallywire.review.priority import margin, order, probability_wrong, sheet_of
from tests.support.elections import GREY_SEVEN
from tests.support.values import make_correction, make_election, make_reading

MAYOR = make_election().contests[0]
LOADED = load_election(GREY_SEVEN)
COUNCIL = LOADED.election.contests[0]
LAYOUT = LOADED.layouts["council"]
VOTES = {"oak": 90, "elm": 70, "ash": 35, "fir": 12, "yew": 8, "spoilt": 4}
TOTAL = next(row.id for row in LAYOUT.fields if row.option is None)


def state_of(*events: Event, station: str = "d1-1") -> StationState:
    state = StationState(station, "mayor", station.partition("-")[0], 700)
    for event in events:
        state = apply(state, event).state
    return state


def held(*reasons: Reason, station: str = "d1-1", votes: dict[str, int | None]) -> StationState:
    reading = make_reading(station, votes=votes, verdict=Verdict.HELD)
    return state_of(replace(reading, reasons=reasons), station=station)


DOUBT = Reason(Code.DOUBTFUL_SHEET, "?", {"error_probability": 0.2})
ROW = Reason(Code.DOUBTFUL_COUNT, "?", {"field": "A", "probability": 0.9, "runner_up": 7})
SUMS = Reason(Code.TOTAL_MISMATCH, "?", {"rule": "total"})
EMPTY = Reason(Code.BLANK_SHEET, "?")


@pytest.mark.parametrize(
    ("reasons", "expected"), [((), 0.0), ((DOUBT, ROW), 0.2), ((ROW,), 0.1), ((SUMS, DOUBT), 1.0)]
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


def test_the_queue_shows_what_two_scans_disagree_about_and_what_is_doubted() -> None:
    other = make_reading("d1-1", 1, votes={"A": 90, "B": 50})
    disputed = state_of(make_reading("d1-1", 0, votes={"A": 100, "B": 50}), other)
    doubted = replace(ROW, evidence={**ROW.evidence, "value": 1})
    cases = order([disputed, held(doubted, station="d1-2", votes={"A": 1, "B": 2})], {})
    console = Console(record=True, width=200, file=io.StringIO())
    print_queue(console, cases, most=1)
    print_queue(console, cases[1:], most=5)
    said = console.export_text()
    assert f"scan {other.scan_id[:12]}" in said
    assert "A 90 (counted: 100)" in said
    assert "B 50" not in said
    assert "1 more: --limit 2" in said
    assert "A 1 (or 7)" in said
    assert "P(wrong) x votes at stake" in said


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


def test_what_a_reviewer_starts_from() -> None:
    read = held(SUMS, votes={"A": 3, "B": None})
    assert shown(read, LAYOUT) == DraftCorrection({"A": 3}, {TOTAL: 3})
    assert shown(None, LAYOUT) == DraftCorrection({}, {})
    decided = apply(read, make_correction("d1-1", 0, {"A": 4})).state
    assert shown(decided, LAYOUT) == DraftCorrection({"A": 4}, {})
    withdrawn = apply(decided, make_correction("d1-1", 1, None)).state
    assert shown(withdrawn, LAYOUT) == shown(read, LAYOUT)
    assert sheet_of(state_of()) is None


def test_of_a_disputed_station_a_reviewer_says_which_scan() -> None:
    first = make_reading("d1-1", 0, votes={"A": 100})
    other = make_reading("d1-1", 1, votes={"A": 90})
    state = state_of(first, other)
    assert shown(state, LAYOUT) == DraftCorrection({"A": 100}, {TOTAL: 100})  # what stands now
    assert shown(state, LAYOUT, other.scan_id[:8]).votes == {"A": 90}
    decided = apply(state, make_correction("d1-1", 0, {"A": 4})).state
    assert shown(decided, LAYOUT, first.scan_id).votes == {"A": 100}
    for scan in ("", "nothing"):
        with pytest.raises(UsageError, match=f"--scan {scan}"):
            shown(state, LAYOUT, scan)


@pytest.mark.parametrize(
    "text", ["oak", "oak=", "=3", "oak=-1", "oak=1.5", "oak=99999999", "oak=²"]
)
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--set"):
        parse_sets([text])


def test_rows_are_set_by_name_and_an_unknown_one_is_refused() -> None:
    with pytest.raises(UsageError, match="twice"):
        parse_sets(["oak=1", "oak=2"])
    draft = change(
        DraftCorrection(VOTES, {}), parse_sets(["oak=91", f"{TOTAL}=220"]), COUNCIL, LAYOUT
    )
    assert (draft.votes["oak"], draft.votes["elm"], draft.totals) == (91, 70, {TOTAL: 220})
    with pytest.raises(UsageError, match=r"PAN: no such row; the sheet has oak"):
        change(draft, {"PAN": 3}, COUNCIL, LAYOUT)


def test_sums_caps_and_missing_rows_stop_a_decision() -> None:
    sound = DraftCorrection(VOTES, {TOTAL: sum(VOTES.values())})
    require(sound, COUNCIL, LAYOUT, 427, as_written=False)
    wrong = replace(sound, totals={TOTAL: 200})
    with pytest.raises(UsageError, match=rf"sum to 219, but {TOTAL} says 200"):
        require(wrong, COUNCIL, LAYOUT, 427, as_written=False)
    require(wrong, COUNCIL, LAYOUT, 427, as_written=True)
    with pytest.raises(UsageError, match="219 votes, but 100 voters"):
        require(sound, COUNCIL, LAYOUT, 100, as_written=False)
    partial = DraftCorrection({"oak": 1}, {})
    with pytest.raises(UsageError, match="elm has no number"):
        require(partial, COUNCIL, LAYOUT, 427, as_written=True)


@given(st.fixed_dictionaries(dict.fromkeys(VOTES, st.integers(0, 60))))
def test_any_sheet_that_adds_up_within_its_cap_passes(votes: dict[str, int]) -> None:
    draft = DraftCorrection(votes, {TOTAL: sum(votes.values())})
    assert problems_of(draft, COUNCIL, LAYOUT, 427) == []
    off = replace(draft, totals={TOTAL: sum(votes.values()) + 1})
    assert len(problems_of(off, COUNCIL, LAYOUT, 427)) == 1
