"""Totals as the ledger in Redis holds them: what evidence is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tallywire.ledger.client import LedgerClient
from tallywire.ledger.rebuild import Totals, nonzero
from tallywire.ledger.snapshot import read_snapshot
from tallywire.records import Partition


@dataclass(frozen=True, slots=True)
class ClaimedTotals:
    """Totals that somebody says are right. `told_by` is for people; `starts` are the offsets from
    which on a partial generation was read."""

    told_by: str
    totals: Totals
    starts: Mapping[Partition, int] = field(default_factory=dict)


def read_claim(ledger: LedgerClient, generation: str) -> ClaimedTotals:
    """What the ledger says of a generation; nothing where it has none of that name.

    Raises:
        PeerError: Redis is away.
    """
    snapshot = read_snapshot(ledger, generation)
    districts = snapshot.districts if snapshot else {}
    totals = nonzero({one: found.totals for one, found in districts.items()})
    about = ledger.origin(generation)
    return ClaimedTotals(f"the ledger at {ledger.address}", totals, about.starts if about else {})
