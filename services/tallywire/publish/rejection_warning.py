"""Tells a publisher that what it sends is being refused, where it can see the ledger.

It warns and goes on: a publisher that stopped would keep the sheets back that are right.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from redis import Redis
from redis.exceptions import RedisError

from tallywire.election.election import Election
from tallywire.election.loading import load_election
from tallywire.errors import UsageError
from tallywire.ledger.rejection_alert import StopLimit, judge_rejections
from tallywire.ledger.snapshot import read_snapshot
from tallywire.settings import Settings

LOOK_S = 10.0
AWAY_S = 60.0  # a publisher may have no way to Redis: it does not ask often then
TIMEOUT_S = 1.0


def make_warner(settings: Settings, say: Callable[[str], object]) -> RejectionWarner | None:
    """A warner for the election of the settings; None where this machine does not have it, since
    scans are published without it as well."""
    try:
        election = load_election(settings.election).election
    except UsageError:
        return None
    return RejectionWarner(settings.redis, election, settings.reject_limit, say)


class RejectionWarner:
    """Call it often: it looks now and then, and says each change once. `now_s` is monotonic."""

    def __init__(
        self,
        redis_url: str,
        election: Election,
        limit: StopLimit,
        say: Callable[[str], object],
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._redis = Redis.from_url(
            redis_url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S, retry=None
        )
        self._election, self._limit, self._say, self._now_s = election, limit, say, now_s
        self._due_s = now_s()
        self._raised = False

    def __call__(self) -> None:
        """Look, if it is time to."""
        if self._now_s() < self._due_s:
            return
        try:
            snapshot = read_snapshot(self._redis, self._election)
        except (RedisError, OSError):
            self._due_s = self._now_s() + AWAY_S
            return
        self._due_s = self._now_s() + LOOK_S
        districts = snapshot.districts.values() if snapshot else ()
        alert = judge_rejections([one.timeline for one in districts], self._limit)
        if alert is not None and not self._raised:
            self._say(f"WARNING: {alert.message}")
        elif alert is None and self._raised:
            self._say("Rejections are below the limit again.")
        self._raised = alert is not None

    def close(self) -> None:
        """End the connection."""
        self._redis.close()
