"""The review page: what waits for a person and why, and where any one station stands."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import streamlit as st
from redis.exceptions import RedisError

from dashboard import frame, markup, source
from tallywire.election.election import Contest, Election
from tallywire.ledger.state import Decision, Entry, StationState

REFRESH_S = 5.0
MOST_ROWS = 500
HEADERS = ("Station", "District", "Stands", "Why a person should look", "Quality", "Scan")


def page() -> None:
    """Draw the page; the queue redraws itself, the look-up waits for a station."""
    election = source.election()
    _queue()
    _lookup(election)


@st.fragment(run_every=REFRESH_S)
def _queue() -> None:
    election = source.election()
    look, held = source.reader().queue()
    frame.head(election, "Review queue", look)
    if not held:
        st.html(markup.notice("Nothing is held: no station waits for a person."))
        return
    rows = [_row(state) for state in held[:MOST_ROWS]]
    st.html(markup.table(f"{len(held):,} stations wait for a person", HEADERS, rows, tall=True))
    if len(held) > MOST_ROWS:
        st.html(markup.notice(f"Only the first {MOST_ROWS} are listed."))


def _row(state: StationState) -> tuple[str, ...]:
    entry = state.held[0]
    return (
        markup.strong(state.station),
        state.district,
        state.status,
        markup.reasons(entry.reasons) or "no reason given",
        entry.quality,
        markup.code((entry.scan_id or "")[:12]),
    )


def _lookup(election: Election) -> None:
    st.html(markup.panel("Look up a station"))
    left, right = st.columns(2)
    station = left.text_input("Station", placeholder="its id, as on the sheet").strip()
    contest = election.contests[0]
    if len(election.contests) > 1:
        contest = right.selectbox("Contest", election.contests, format_func=lambda c: c.name)
    if station:
        st.html(_found(election, contest, station))


def _found(election: Election, contest: Contest, station: str) -> str:
    if station not in election.stations:
        return markup.notice(f"Station {station} is not in this election.", bad=True)
    try:
        state = source.reader().station(contest.id, station)
    except (RedisError, OSError):
        return markup.notice("Redis does not answer; try again in a moment.", bad=True)
    if state is None:
        return markup.notice(f"Nothing has been heard of station {station} yet.")
    return _record(contest, state)


def _record(contest: Contest, state: StationState) -> str:
    voters = f"{state.registered:,} registered voters"
    title = f"Station {state.station}: {state.status}, district {state.district}, {voters}"
    entries = [
        *([("counted", state.counted)] if state.counted else []),
        *(("held", entry) for entry in state.held),
        *(("superseded", entry) for entry in state.superseded),
        *(("rejected", entry) for entry in state.rejected),
    ]
    headers = ("Scan", "Published", "Stands", *(option.id for option in contest.options), "Why")
    rows = [_entry(contest, stands, entry) for stands, entry in entries]
    if state.decision is not None:
        rows.append(_decided(contest, state.decision))
    return markup.table(title, headers, rows)


def _entry(contest: Contest, stands: str, entry: Entry) -> tuple[str, ...]:
    return (
        markup.code((entry.scan_id or "unknown")[:12]),
        _clock(entry.published_at_ms),
        stands,
        *_votes(contest, entry.votes),
        markup.reasons(entry.reasons),
    )


def _decided(contest: Contest, decision: Decision) -> tuple[str, ...]:
    stands = "corrected" if decision.votes is not None else "correction withdrawn"
    return (
        f"by {decision.decided_by}",
        _clock(decision.decided_at_ms),
        stands,
        *_votes(contest, decision.votes or {}),
        decision.why,
    )


def _votes(contest: Contest, votes: Mapping[str, int]) -> list[str]:
    found = (votes.get(option.id) for option in contest.options)
    return [markup.NO_VALUE if count is None else markup.count(count) for count in found]


def _clock(epoch_ms: int) -> str:
    return datetime.fromtimestamp(epoch_ms / 1000, UTC).strftime("%H:%M:%S")
