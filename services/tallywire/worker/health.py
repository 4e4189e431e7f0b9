"""What the worker is doing: told over HTTP and in the log, and watched.

/healthz, /readyz and /metrics; a line every few seconds; and the watchdog that ends a process
which no longer moves.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import structlog

from tallywire.edge.health_server import HealthServer, HttpAnswer, live, ready
from tallywire.worker.metrics import Metrics
from tallywire.worker.retry import Peers

STALLED_AFTER_S = 30.0
ENDED_AFTER_TIMES = 3  # as long: then the watchdog ends the process
ENDED_AFTER_S = STALLED_AFTER_S * ENDED_AFTER_TIMES
STALLED_EXIT = 70  # EX_SOFTWARE: a supervisor starts us again
PEERS = ("redis", "kafka", "kafka producer", "model server")  # as `Peers` calls them
SUMMARY_S = 5.0


@dataclass(slots=True)
class WorkerProgress:
    """Mutable, written by the event loop only. Times are on the monotonic clock."""

    peers: Peers
    metrics: Metrics = field(default_factory=Metrics)
    outcomes: Counter[str] = field(default_factory=Counter)
    settled: int = 0
    lag: int = 0  # offsets between the ledger and the ends of our partitions
    in_flight: int = 0
    assigned: bool = False
    alert: str | None = None  # too many scans are rejected: one sentence for an official
    last_settled_s: float = field(default_factory=time.monotonic)
    last_beat_s: float = field(default_factory=time.monotonic)
    seconds: deque[float] = field(default_factory=lambda: deque(maxlen=512))  # per sheet

    def note_outcome(self, outcome: str, seconds: float) -> None:
        """One event was accounted for, `seconds` after it was admitted."""
        self.outcomes[outcome] += 1
        self.settled += 1
        self.seconds.append(seconds)
        self.metrics.took("whole", seconds)
        self.last_settled_s = time.monotonic()

    def beat(self, lag: int, in_flight: int, *, assigned: bool) -> None:
        """The event loop runs; this is what it sees."""
        if self.peers.troubles or not (lag or in_flight):
            self.last_settled_s = time.monotonic()  # idle or waiting: no standstill of ours
        self.lag, self.in_flight, self.assigned = lag, in_flight, assigned
        self.last_beat_s = time.monotonic()

    def median_ms(self) -> int | None:
        """Median time of the latest events from admission to settlement."""
        return round(median(self.seconds) * 1000) if self.seconds else None

    def stalled_s(self) -> float:
        """Seconds since the last progress while there was work and no peer was in trouble."""
        now_s = time.monotonic()
        frozen_s = now_s - self.last_beat_s
        if self.peers.troubles:
            return frozen_s
        busy = self.lag or self.in_flight
        return max(frozen_s, now_s - self.last_settled_s if busy else 0.0)


def describe(progress: WorkerProgress) -> dict[str, Any]:
    """The worker's state as JSON values."""
    now_s = time.monotonic()
    return {
        "assigned": progress.assigned,
        "settled": progress.settled,
        "outcomes": dict(sorted(dict(progress.outcomes).items())),  # a copy: the loop runs on
        "lag": progress.lag,
        "in_flight": progress.in_flight,
        "alert": progress.alert,
        "last_settled_s_ago": round(now_s - progress.last_settled_s, 1),
        "waiting_for": {
            peer: {"error": trouble.message, "for_s": round(now_s - trouble.since_s, 1)}
            for peer, trouble in dict(progress.peers.troubles).items()
        },
    }


def healthz(progress: WorkerProgress, stalled_after_s: float = STALLED_AFTER_S) -> HttpAnswer:
    """Fails only where ending the process could help; waiting for a peer is not such a case."""
    return live(is_live=progress.stalled_s() <= stalled_after_s, values=describe(progress))


def readyz(progress: WorkerProgress) -> HttpAnswer:
    """Fails while nothing can be counted."""
    is_ready = progress.assigned and not progress.peers.troubles
    return ready(is_ready=is_ready, values=describe(progress))


def metrics(progress: WorkerProgress) -> HttpAnswer:
    """Everything for Prometheus, as it is now."""
    told = progress.metrics
    told.in_flight.set(progress.in_flight)
    told.stalled.set(progress.stalled_s())
    told.assigned.set(progress.assigned)
    told.reject_alert.set(progress.alert is not None)
    troubles = dict(progress.peers.troubles)
    for peer in PEERS:
        told.peer_waiting.labels(peer).set(peer in troubles)
    return told.expose()


def serve_health(
    progress: WorkerProgress,
    port: int,
    address: str = "127.0.0.1",
    stalled_after_s: float = STALLED_AFTER_S,
) -> HealthServer:
    """Answer /healthz, /readyz and /metrics; port 0 lets the system choose."""
    routes = {
        "/healthz": lambda: healthz(progress, stalled_after_s),
        "/readyz": lambda: readyz(progress),
        "/metrics": lambda: metrics(progress),
    }
    return HealthServer(routes, port, address)


def start_watchdog(
    progress: WorkerProgress,
    limit_s: float = ENDED_AFTER_S,
    end: Callable[[int], object] = os._exit,
) -> threading.Thread:
    """A thread, since a blocked event loop could not watch itself; ends the process at once."""

    def watch() -> None:
        while progress.stalled_s() < limit_s:
            time.sleep(min(1.0, limit_s / 4))
        message = f"tallywire worker: no progress for {limit_s:g} s with work at hand; ending"
        print(message, file=sys.stderr, flush=True)
        end(STALLED_EXIT)

    thread = threading.Thread(target=watch, name="watchdog", daemon=True)
    thread.start()
    return thread


async def summarise(progress: WorkerProgress) -> None:
    """One line every few seconds while anything happens."""
    log, before = structlog.get_logger(), 0
    while True:
        await asyncio.sleep(SUMMARY_S)
        settled, troubles = progress.settled, progress.peers.troubles
        if settled != before or progress.lag or troubles:
            log.info(
                "progress", settled=settled, per_s=round((settled - before) / SUMMARY_S, 1),
                lag=progress.lag, in_flight=progress.in_flight, median_ms=progress.median_ms(),
                outcomes=dict(progress.outcomes), waiting_for=sorted(troubles),
            )  # fmt: skip
        before = settled
