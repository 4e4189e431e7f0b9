"""The ledger: is it of this election, and does every total equal the sum of its stations?"""

from __future__ import annotations

from collections.abc import Iterator

import redis

from tallywire.doctor.findings import Finding, fail, ok
from tallywire.election.election import Election
from tallywire.election.loading import load_election
from tallywire.errors import TallywireError
from tallywire.ledger.keys import NOWHERE
from tallywire.ledger.snapshot import Snapshot, audit, read_snapshot
from tallywire.settings import Settings

PART = "Ledger"
MOST_AUDITED = 20_000
"""Stations up to which every record is read and summed again; a second or two."""


def check_ledger(settings: Settings, timeout_s: float) -> list[Finding]:
    """Look at the live generation. Silent where Redis or the election are the trouble: they
    have findings of their own."""
    try:
        election = load_election(settings.election).election
        with redis.Redis.from_url(
            settings.redis,
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            retry=None,
        ) as client:
            return list(look(client, election))
    except (TallywireError, redis.RedisError, OSError, ValueError):
        return []


def look(client: redis.Redis, election: Election) -> Iterator[Finding]:
    """The checks on one connection that answers bytes."""
    snapshot = read_snapshot(client, election)
    if snapshot is None:
        yield ok(PART, election.id, "not opened yet: the first worker does it")
        return
    yield judge_frame(snapshot, election)
    if len(election.stations) > MOST_AUDITED:
        return
    wrong = audit(client, election, snapshot.generation)
    if wrong:
        first = f"{wrong[0].district} {wrong[0].counter}: {wrong[0].total} is {wrong[0].recomputed}"
        yield fail(
            PART,
            "totals",
            f"{len(wrong)} counters are not the sum of their stations, the first is {first}",
            "count again from the topic into a new generation: tallywire worker --generation",
        )
    else:
        yield ok(PART, "totals", "every counter is the sum of its stations' records")


def judge_frame(snapshot: Snapshot, election: Election) -> Finding:
    """Was the ledger opened with these very districts and stations?"""
    check = f"{election.id} {snapshot.generation}"
    stations = [one.district for one in election.stations.values()]
    differing = [
        f"{name}: {district.expected} in the ledger, {stations.count(name)} in the files"
        for name, district in snapshot.districts.items()
        if name != NOWHERE and district.expected != stations.count(name)
    ]
    if differing:
        return fail(
            PART,
            check,
            f"stations differ; {differing[0]}",
            "use the election that the count was opened with, or start a new generation",
        )
    return ok(PART, check, f"opened for these {len(stations):,} stations")
