"""`tallywire report`: from a ledger in Redis to a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from tallywire.election import Contest, Election
from tallywire.election_files import load_election, load_layouts
from tallywire.errors import PeerError, UsageError
from tallywire.ledger.generations import live_generation
from tallywire.ledger.snapshot import list_stations
from tallywire.report.figures import (
    Votes,
    official_totals,
    pair_up,
    shares,
    spreads,
    tallies_of,
)
from tallywire.report.page import Report
from tallywire.settings import Settings
from tallywire.truth import read_truth


def make_report(
    settings: Settings, contest_id: str | None, generation: str | None, truth: Path | None
) -> Report:
    """Collect one contest's figures.

    Args:
        generation: the live one if None.
        truth: the renderer's truth.csv, or official counts of the same columns.

    Raises:
        UsageError: no such contest, or nothing has been counted.
        PeerError: Redis is away.
    """
    election = load_election(settings.election)
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
    official = truth_votes(election, contest, truth) if truth else {}
    return Report(
        election=election,
        contest=contest,
        generation=generation,
        tallies=tallies,
        pairs=pair_up(tallies, official),
        shares=shares(tallies, contest, official_totals(contest, official)),
        spreads=spreads(tallies, contest),
    )


def truth_votes(election: Election, contest: Contest, path: Path) -> Mapping[str, Votes]:
    """Official votes by station and option, from a truth.csv."""
    folder = path.parent if contest.layout.endswith(".toml") else None
    layout = load_layouts(election, folder)[contest.id]
    option_of = {one.id: one.option for one in layout.fields if one.option}
    return {
        row.station: {
            option_of[field]: votes or 0
            for field, votes in row.written.items()
            if field in option_of
        }
        for row in read_truth(path)
        if row.contest == contest.id
    }


def to_json(report: Report) -> dict[str, Any]:
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
