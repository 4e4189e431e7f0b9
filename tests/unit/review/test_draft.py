"""What stands between a typed number and a correction."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallywire.election.loading import load_election
from tallywire.errors import UsageError
from tallywire.ledger.state import apply
from tallywire.review.draft import DraftCorrection, change, parse_sets, problems_of, require, shown
from tallywire.review.priority import sheet_of
from tests.support.elections import GREY_SEVEN
from tests.support.reviewed_stations import SUMS, held, state_of
from tests.support.values import make_correction, make_reading

LOADED = load_election(GREY_SEVEN)
COUNCIL = LOADED.election.contests[0]
LAYOUT = LOADED.layouts["council"]
VOTES = {"oak": 90, "elm": 70, "ash": 35, "fir": 12, "yew": 8, "spoilt": 4}
TOTAL = next(row.id for row in LAYOUT.fields if row.option is None)


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
