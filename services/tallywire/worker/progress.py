"""What the worker is doing: counters that health, log lines and the watchdog read."""

from __future__ import annotations

import time
from collections import Counter, deque
from dataclasses import dataclass, field
from statistics import median

from tallywire.worker.metrics import Metrics
from tallywire.worker.retry import Peers


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
