"""The one place that reads the ledger: at most once a second, whatever the number of viewers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import streamlit as st
from redis import Redis
from redis.exceptions import RedisError

from tallywire.election.election import Election
from tallywire.election.loading import LoadedElection, load_election
from tallywire.ledger.generations import live_generation
from tallywire.ledger.snapshot import (
    DistrictSnapshot,
    Snapshot,
    list_held,
    read_revision,
    read_snapshot,
    read_station,
)
from tallywire.ledger.state import StationState
from tallywire.settings import Settings, load_settings

READ_EVERY_S = 1.0
TIMEOUT_S = 1.0

Held = tuple[StationState, ...]


@dataclass(frozen=True, slots=True)
class LedgerView:
    """What was last seen of the ledger. `trouble` says why that may be out of date."""

    snapshot: Snapshot | None = None
    read_at: datetime | None = None
    trouble: str | None = None

    @property
    def generation(self) -> str | None:
        """The generation shown; None before the ledger was opened."""
        return self.snapshot.generation if self.snapshot else None

    @property
    def districts(self) -> Mapping[str, DistrictSnapshot]:
        """Districts by id; empty before the ledger was opened."""
        return self.snapshot.districts if self.snapshot else {}


class Reader:
    """Shares one look at the ledger between all viewers.

    The first viewer of a second asks Redis for the revision, and only where that has changed for
    the totals; everybody else of that second gets the same look. While Redis is away they keep
    the last good one. `now_s` is a monotonic clock.
    """

    def __init__(
        self,
        redis: Redis,
        election: Election,
        generation: str | None = None,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._redis, self._election, self._generation = redis, election, generation
        self._now_s, self._lock = now_s, threading.Lock()
        self._read_s = float("-inf")
        self._revision: tuple[object, ...] | None = None
        self._look = LedgerView()
        self._held: tuple[tuple[object, ...] | None, Held] = (None, ())

    def look(self) -> LedgerView:
        """The newest look, at most a second old."""
        with self._lock:
            if self._now_s() - self._read_s >= READ_EVERY_S:
                self._refresh()
                self._read_s = self._now_s()
            return self._look

    def held(self) -> Held:
        """Every station that a person should decide; read again only after a change."""
        return self.queue()[1]

    def queue(self) -> tuple[LedgerView, Held]:
        """A look, and the stations that a person should decide in the very generation it shows."""
        self.look()
        with self._lock:
            look = self._look
            if look.generation and not look.trouble and self._held[0] != self._revision:
                self._held = self._revision, self._list_held(look.generation)
            return look, self._held[1]

    def station(self, contest: str, station: str) -> StationState | None:
        """One station's record; None where nothing was heard of it yet.

        Raises:
            RedisError: Redis is away.
        """
        generation = self.look().generation
        if generation is None:
            return None
        return read_station(self._redis, self._election, generation, contest, station)

    def _refresh(self) -> None:
        try:
            # Fixed first: asked for twice, a promotion in between would give the one's revision
            # to the other's totals.
            shown = self._generation or live_generation(self._redis, self._election.id)
            revision = read_revision(self._redis, self._election, shown) if shown else ()
            if revision != self._revision or self._look.snapshot is None:
                snapshot = read_snapshot(self._redis, self._election, shown) if shown else None
                self._look, self._revision = LedgerView(snapshot), revision
            self._look = replace(self._look, read_at=datetime.now(UTC), trouble=None)
        except (RedisError, OSError):
            self._look = replace(self._look, trouble=self._complaint())

    def _complaint(self) -> str:
        shown = "These numbers are the last that were read." if self._look.snapshot else ""
        return f"Redis does not answer; trying again every second. {shown}".strip()

    def _list_held(self, generation: str) -> Held:
        try:
            return tuple(list_held(self._redis, self._election, generation))
        except (RedisError, OSError):
            return self._held[1]


@st.cache_resource
def settings() -> Settings:
    """The settings of this process, read once."""
    return load_settings()


@st.cache_resource
def loaded() -> LoadedElection:
    """The election shown and its forms, read once."""
    return load_election(settings().election)


def election() -> Election:
    """The election shown."""
    return loaded().election


@st.cache_resource
def tolerances() -> Mapping[str, int]:
    """By contest id, how many votes above its registered voters a station's sheet may have."""
    return {
        contest: max((rule.tolerance for rule in layout.cap_rules), default=0)
        for contest, layout in loaded().layouts.items()
    }


@st.cache_resource
def reader() -> Reader:
    """The reader that all sessions of this process share."""
    redis = Redis.from_url(
        settings().redis,
        socket_timeout=TIMEOUT_S,
        socket_connect_timeout=TIMEOUT_S,
        retry=None,  # a look that fails is repeated a second later anyway
    )
    return Reader(redis, election(), settings().dashboard_generation)
