"""`tallywire rejected`: counts and examples by reason, and whether the stop limit is passed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from tallywire.election.loading import load_election
from tallywire.errors import PeerError, UsageError
from tallywire.ledger.generations import live_generation
from tallywire.ledger.rejection_alert import RejectionAlert, judge_rejections
from tallywire.ledger.snapshot import read_snapshot
from tallywire.reasons import REFUSALS, Code
from tallywire.rejected.refused_scans import FIRST, RefusedScan
from tallywire.settings import Settings


@dataclass(slots=True)
class ReasonGroup:
    """The refusals of one reason."""

    reason: Code
    scans: int = 0
    stations: set[str] = field(default_factory=set)
    examples: list[RefusedScan] = field(default_factory=list)  # the latest, without their bytes


def pile_up(refused: Iterable[RefusedScan], examples: int) -> list[ReasonGroup]:
    """By reason, the most frequent first."""
    piles: dict[Code, ReasonGroup] = {}
    for one in refused:
        code = one.rejection.reason.code
        pile = piles.setdefault(code, ReasonGroup(code))
        pile.scans += 1
        pile.stations.add(one.station)
        pile.examples = [*pile.examples, replace(one, value=None)][-examples:]
    return sorted(piles.values(), key=lambda pile: (-pile.scans, pile.reason))


def reason_named(text: str | None) -> Code | None:
    """The code of that name.

    Raises:
        UsageError: there is none.
    """
    if text is None or text in REFUSALS:
        return None if text is None else Code(text)
    known = ", ".join(sorted(REFUSALS))
    raise UsageError(f"--reason {text}: choose one of {known}")


def generation_meant(settings: Settings) -> str:
    """The live generation, or the first one before there is any.

    Raises:
        PeerError: Redis is away.
    """
    election = load_election(settings.election).election
    try:
        return live_generation(_connect(settings), election.id) or FIRST
    except RedisError as error:
        raise PeerError(f"No ledger at {settings.redis}: {error}") from error


def current_alert(settings: Settings, generation: str) -> RejectionAlert | None:
    """The alert of a generation, as worker and dashboard see it.

    Raises:
        PeerError: Redis is away.
    """
    election = load_election(settings.election).election
    try:
        snapshot = read_snapshot(_connect(settings), election, generation)
    except RedisError as error:
        raise PeerError(f"No ledger at {settings.redis}: {error}") from error
    districts = snapshot.districts.values() if snapshot else ()
    return judge_rejections([one.timeline for one in districts], settings.reject_limit)


def to_json(piles: Iterable[ReasonGroup], alert: RejectionAlert | None) -> dict[str, Any]:
    """The same as JSON values."""
    return {
        "alert": alert.message if alert else None,
        "reasons": [
            {
                "reason": pile.reason,
                "scans": pile.scans,
                "stations": len(pile.stations),
                "examples": [_example(one) for one in pile.examples],
            }
            for pile in piles
        ],
    }


def _example(one: RefusedScan) -> dict[str, Any]:
    rejection = one.rejection
    return {
        "station": one.station,
        "scan_id": rejection.scan_id,
        "message": rejection.reason.message,
        "published_at": rejection.published_at.isoformat(),
        "place": str(rejection.source),
        "generation": one.generation,
    }


def _connect(settings: Settings) -> Redis:
    return Redis.from_url(settings.redis, socket_connect_timeout=2.0)
