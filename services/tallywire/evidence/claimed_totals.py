"""Totals as the ledger in Redis holds them: what evidence is compared with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from redis import Redis

from tallywire.election.election import Election
from tallywire.ledger import keys
from tallywire.ledger.rebuild import Totals, nonzero
from tallywire.ledger.snapshot import read_snapshot


@dataclass(frozen=True, slots=True)
class ClaimedTotals:
    """Totals that somebody says are right. `told_by` is for people; `starts` are the offsets, by
    `topic|partition`, from which on a partial generation was read."""

    told_by: str
    totals: Totals
    starts: Mapping[str, int] = field(default_factory=dict)


def read_claim(redis: Redis, election: Election, generation: str, url: str) -> ClaimedTotals:
    """What the ledger says of a generation; nothing where it has none of that name.

    Raises:
        redis.exceptions.RedisError: if Redis is away.
    """
    snapshot = read_snapshot(redis, election, generation)
    districts = snapshot.districts if snapshot else {}
    totals = nonzero({one: found.totals for one, found in districts.items()})
    about: Any = redis.hget(keys.generations(election.id), generation)
    starts = json.loads(about).get("starts") if about else None
    return ClaimedTotals(f"the ledger at {url}", totals, starts or {})
