"""`tallywire report`: from a ledger in Redis to a page."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from tallywire.election.loading import load_election
from tallywire.errors import PeerError, UsageError
from tallywire.ledger.generations import live_generation
from tallywire.ledger.snapshot import list_stations
from tallywire.results.figures import official_totals, pair_up, shares, spreads, tallies_of
from tallywire.results.official_counts import read_official
from tallywire.results.report_page import ReportPage
from tallywire.settings import Settings


def make_report(
    settings: Settings, contest_id: str | None, generation: str | None, truth: Path | None
) -> ReportPage:
    """Collect one contest's figures.

    Args:
        generation: the live one if None.
        truth: the renderer's truth.csv, or a CSV of official counts by station.

    Raises:
        UsageError: no such contest, or nothing has been counted.
        PeerError: Redis is away.
    """
    loaded = load_election(settings.election)
    election = loaded.election
    contest = election.contest(contest_id)
    if contest is None:
        names = ", ".join(one.id for one in election.contests)
        raise UsageError(f"--contest {contest_id}: choose one of {names}")
    try:
        redis = Redis.from_url(settings.redis)
        generation = generation or live_generation(redis, election.id)
        states = list_stations(redis, election, generation) if generation else []
    except RedisError as error:
        raise PeerError(f"No ledger at {settings.redis}: {error}") from error
    tallies = tallies_of(states, contest.id)
    if generation is None or not tallies:
        raise UsageError(f"generation {generation}: nothing has been counted yet")
    official = read_official(contest, loaded.layouts[contest.id], truth) if truth else {}
    return ReportPage(
        election=election,
        contest=contest,
        generation=generation,
        tallies=tallies,
        pairs=pair_up(tallies, official),
        shares=shares(tallies, contest, official_totals(contest, official)),
        spreads=spreads(tallies, contest),
    )


def to_json(report: ReportPage) -> dict[str, Any]:
    """The numbers of the page."""
    return {
        "election": report.election.id,
        "contest": report.contest.id,
        "generation": report.generation,
        "tallies": len(report.tallies),
        "pairs": [asdict(pair) for pair in report.pairs],
        "shares": [asdict(one) for one in report.shares],
        "spreads": [asdict(one) for one in report.spreads],
    }
