"""From the ledger's counters to a screen, and from a screen to HTML."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from dashboard.board import Board, board
from dashboard.figures import BallotLine, Outlook, StationProgress
from dashboard.markup import (
    Head,
    head,
    kpis,
    leader,
    notice,
    percent,
    results,
    table,
    verdict,
    waiting,
)
from tallywire.election.election import Election, OptionKind
from tallywire.ledger.snapshot import DistrictSnapshot
from tallywire.ledger.state import Event
from tallywire.records import Quality, Verdict
from tests.support.memory_ledger import MemoryLedger
from tests.support.values import make_correction, make_election, make_reading, make_rejection

HOSTILE = "<script>alert(1)</script>"


def election_with_null() -> Election:
    """The factory's election, with its null votes marked as such and an official result."""
    election = make_election()
    contest = election.contests[0]
    options = tuple(
        replace(option, kind=OptionKind.NULL) if option.id == "null" else option
        for option in contest.options
    )
    official = {"d1": {"A": 10, "B": 20, "null": 1}}
    return replace(election, contests=(replace(contest, options=options, official=official),))


def snapshots(election: Election, *events: Event) -> Mapping[str, DistrictSnapshot]:
    ledger = MemoryLedger(election)
    for event in events:
        ledger.apply_now(event)
    return {
        district: DistrictSnapshot(district, 1, 4, 2800, totals)
        for district, totals in ledger.totals.items()
    }


def show(*events: Event, chosen: str | None = None) -> Board:
    election = election_with_null()
    return board(election, election.contests[0], snapshots(election, *events), chosen)


def line_of(shown: Board, option: str) -> BallotLine:
    return next(line for line in shown.lines if line.id == option)


def test_before_the_first_scan_nothing_has_started() -> None:
    shown = show()
    assert not shown.started
    assert shown.progress.expected == 8
    assert shown.progress.missing == 8
    assert shown.votes == 0


def test_votes_stand_in_the_bucket_they_came_from() -> None:
    shown = show(
        make_reading("d1-1", 0, quality=Quality.HIGH),
        make_reading("d1-2", 1, quality=Quality.MODERATE),
        make_reading("d1-3", 2, verdict=Verdict.HELD),
        make_correction("d2-1", 0, {"A": 7, "B": 1, "null": 0}),
    )
    line = line_of(shown, "A")
    assert (line.high, line.moderate, line.corrected, line.held) == (100, 100, 7, 100)
    assert line.votes == 207
    assert (shown.progress.counted, shown.progress.held, shown.progress.missing) == (3, 1, 4)
    assert shown.progress.registered_counted == 2100


def test_one_district_or_all() -> None:
    events = (make_reading("d1-1", 0), make_reading("d2-1", 1), make_rejection(None, 2))
    whole, first = show(*events), show(*events, chosen="d1")
    assert whole.votes == 2 * first.votes
    assert [row.id for row in whole.districts] == ["d1", "d2"]
    assert [row.id for row in first.districts] == ["d1"]
    # A scan of nobody knows which station belongs to the whole, not to a district.
    assert (whole.progress.rejected_scans, first.progress.rejected_scans) == (1, 0)


def test_official_results_show_only_where_every_district_has_them() -> None:
    assert line_of(show(chosen="d1"), "B").official == 20
    assert line_of(show(), "B").official is None


def test_a_conflict_widens_the_worst_case_by_its_station() -> None:
    shown = show(make_reading("d1-1", 0), make_reading("d1-1", 1, image="another"))
    assert shown.progress.counted == 1
    assert shown.progress.registered_disputed == 700


def test_contests_of_the_same_parties_do_not_mix() -> None:
    election = election_with_null()
    (mayor,) = election.contests
    both = replace(election, contests=(mayor, replace(mayor, id="council")))
    events = (make_reading("d1-1", 0), replace(make_reading("d1-1", 1), contest="council"))
    seen = snapshots(both, *events)
    for contest in both.contests:
        shown = board(both, contest, seen)
        assert shown.progress.counted == 1
        assert line_of(shown, "A").votes == 100


def test_what_cannot_win_is_marked() -> None:
    assert not line_of(show(), "null").candidate
    assert line_of(show(), "A").candidate


def test_the_timelines_go_by_ten_seconds() -> None:
    held = make_reading("d1-4", 5, verdict=Verdict.HELD)
    shown = show(*(make_reading(f"d1-{n}", n) for n in (1, 2, 3)), held, make_reading("d2-1", 14))
    assert list(shown.counted.values()) == [3, 1]
    assert list(shown.arrived.values()) == [4, 1]


HEAD = Head(
    title="An election",
    subtitle="A contest",
    rehearsal=True,
    generation="g3",
    updated_at=datetime(2026, 11, 22, 21, 4, 5, tzinfo=UTC),
    stale=False,
)


def test_a_page_is_always_unofficial_and_test_only_in_rehearsals() -> None:
    assert "UNOFFICIAL" in head(HEAD)
    assert ">TEST<" in head(HEAD)
    assert ">TEST<" not in head(replace(HEAD, rehearsal=False))


def test_freshness_is_told() -> None:
    assert "Live" in head(HEAD)
    assert "21:04:05" in head(HEAD)
    assert "generation g3" in head(HEAD)
    assert "Stale" in head(replace(HEAD, stale=True))
    assert "no ledger yet" in head(replace(HEAD, generation=None, updated_at=None))


def test_names_from_files_are_escaped() -> None:
    line = BallotLine(HOSTILE, HOSTILE, "#112233", candidate=True, high=5, official=4)
    parts = (
        head(replace(HEAD, title=HOSTILE, subtitle=HOSTILE, generation=HOSTILE)),
        results([line]),
        leader(line, 5),
        notice(HOSTILE),
        table(HOSTILE, [HOSTILE], []),
    )
    for part in parts:
        assert "<script>" not in part
        assert "&lt;script&gt;" in part


def test_percentages() -> None:
    assert percent(1, 3) == "33.3\u202f%"
    assert percent(1, 3, 0) == "33\u202f%"
    assert percent(0, 0) == "–"


def test_results_show_both_shares_and_the_official_one() -> None:
    lines = [
        BallotLine("A", "A", "#aa0000", candidate=True, high=30, moderate=30, official=50),
        BallotLine("B", "B", "#00aa00", candidate=True, high=30, moderate=10, official=50),
    ]
    page = results(lines)
    assert "60.0\u202f%" in page  # all tallies
    assert "50.0\u202f%" in page  # high quality only, and official
    assert ">Official<" in page
    assert ">Official<" not in results([replace(line, official=None) for line in lines])


def test_results_of_nothing_do_not_divide_by_it() -> None:
    assert "–" in results([BallotLine("A", "A", "#aa0000", candidate=True)])


def test_no_bar_is_longer_than_its_track_however_much_is_held() -> None:
    page = results(
        [BallotLine("A", "A", "#aa0000", candidate=True, high=10, moderate=2, held=9000)]
    )
    spans = re.findall(r'class="(\w+)" style="left:([\d.]+)%;width:([\d.]+)%"', page)
    assert all(float(left) + float(width) <= 100.001 for _, left, width in spans)
    (counted,) = (float(width) for kind, _, width in spans if kind == "high")
    assert counted > 50


def test_the_key_figures() -> None:
    page = kpis(progress(), votes=1234, rate=59.6)
    for words in ("6 <small>of 8", "1,234", ">60 <", "1 duplicate<"):
        assert words in page


def test_waiting_says_for_how_many() -> None:
    assert "1,234 polling stations" in waiting(1234)


def test_the_verdict_in_words() -> None:
    names = {"A": "A", "B": "B"}
    assert verdict(None, progress(), names) == ""
    for held, missing, words in (
        (0, 5, "cannot change who leads"),
        (5, 10, "Held sheets alone cannot"),
        (10, 10, "can still change"),
    ):
        assert words in verdict(Outlook("A", "B", 10, held, missing), progress(), names)
    complete = replace(progress(), held=2)
    assert "Held sheets can still" in verdict(Outlook("A", "B", 10, 10, 0), complete, names)


def progress() -> StationProgress:
    return StationProgress(
        expected=8,
        counted=6,
        held=1,
        rejected_scans=2,
        duplicate_scans=1,
        registered_expected=5600,
        registered_counted=4200,
        registered_held=700,
        registered_disputed=0,
    )
