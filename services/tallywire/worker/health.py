"""Health and metrics over HTTP, and the watchdog that ends a process which no longer moves."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from tallywire.edge.health_server import HealthServer, HttpAnswer, live, ready
from tallywire.worker.progress import WorkerProgress

STALLED_AFTER_S = 30.0
ENDED_AFTER_TIMES = 3  # as long: then the watchdog ends the process
ENDED_AFTER_S = STALLED_AFTER_S * ENDED_AFTER_TIMES
STALLED_EXIT = 70  # EX_SOFTWARE: a supervisor starts us again
PEERS = ("redis", "kafka", "kafka producer", "model server")  # as `Peers` calls them


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
