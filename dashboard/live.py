"""The live page: what has been counted so far, for a wall and for a laptop."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from dashboard import charts, frame, markup, source
from dashboard.board import Board, DistrictRow, board
from dashboard.figures import cumulative, outlook, ranked, rate_per_minute
from tallywire.election.election import Contest, Election
from tallywire.ledger.rejection_alert import judge_rejections

REFRESH_S = 2.0


def page() -> None:
    """Draw the page; the fragment inside redraws itself."""
    election = source.election()
    contest, district = _choices(election)
    _count(contest.id, district)


def _choices(election: Election) -> tuple[Contest, str | None]:
    """Contest and district to show; nothing to choose where there is only one."""
    contest, district = election.contests[0], None
    if max(len(election.contests), len(election.districts)) == 1:
        return contest, district
    left, right = st.columns(2)
    if len(election.contests) > 1:
        contest = left.selectbox("Contest", election.contests, format_func=lambda one: one.name)
    if len(election.districts) > 1:
        names = {item.id: item.name for item in election.districts}
        district = right.selectbox(
            "District", [None, *names], format_func=lambda one: names.get(one, "All districts")
        )
    return contest, district


@st.fragment(run_every=REFRESH_S)
def _count(contest_id: str, district: str | None) -> None:
    election = source.election()
    contest = election.contest(contest_id) or election.contests[0]
    look = source.reader().look()
    frame.head(election, contest.name, look)
    timelines = [part.timeline for part in look.districts.values()]
    alert = judge_rejections(timelines, source.settings().reject_limit)
    if alert is not None:
        st.html(markup.notice(alert.message, bad=True))
    shown = board(election, contest, look.districts, district)
    if not shown.started:
        st.html(markup.waiting(shown.progress.expected))
        return
    _figures(shown, source.tolerances()[contest.id])


def _figures(shown: Board, tolerance: int) -> None:
    rate = rate_per_minute(shown.arrived, datetime.now(UTC).timestamp())
    st.html(markup.kpis(shown.progress, shown.votes, rate))
    left, right = st.columns([1.75, 1], gap="large")
    with left:
        st.html(markup.results(shown.lines))
    with right:
        names = {line.id: line.id for line in shown.lines}
        bound = outlook(shown.lines, shown.progress, tolerance)
        st.html(markup.verdict(bound, shown.progress, names))
        _arrivals(shown)
        st.html(
            markup.table("Districts", DISTRICT_HEADERS, [_district(row) for row in shown.districts])
        )


def _arrivals(shown: Board) -> None:
    st.html(markup.panel("Tallies counted over time"))
    theme = "dark" if st.context.theme.type == "dark" else "light"
    chart = charts.arrivals(cumulative(shown.counted), shown.progress.expected, theme)
    st.altair_chart(chart, theme=None, key="arrivals")


DISTRICT_HEADERS = ("District", "Stations", "Reported", "Held", "Votes", "First", "Second")


def _district(row: DistrictRow) -> tuple[str, ...]:
    progress, votes = row.progress, sum(line.votes for line in row.lines)
    first, second = [line for line in ranked(row.lines) if line.candidate][:2]
    return (
        row.name,
        markup.count(progress.expected),
        markup.percent(progress.counted, progress.expected, 0),
        markup.count(progress.held),
        markup.count(votes),
        *(markup.leader(line, votes) for line in (first, second)),
    )
