"""Redis killed, full, or slow. Each night has a Redis of its own, synced at every write."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tallywire.ledger.connection import open_server
from tallywire.supervision.child import Child
from tallywire.supervision.ports import LOOPBACK, any_free_port
from tallywire.workshop.faults.fault import Fault
from tallywire.workshop.faults.night import FaultNight
from tallywire.workshop.faults.worker_pool import signal_child
from tallywire.workshop.stack.servers import redis_program

KILLS = 3
AWAY_S = 2.0
FULL_S = 6.0
SLOW_S = 7.0  # longer than a client waits (`ledger.connection.TIMEOUT_S`)


@dataclass(frozen=True, slots=True)
class OwnRedis:
    """A Redis that loses nothing that it has confirmed, and its URL."""

    child: Child
    url: str


@contextmanager
def own_redis(folder: Path) -> Iterator[OwnRedis]:
    """Start one with `appendfsync always`; it is killed in the end."""
    port = any_free_port()
    program = redis_program(port, folder / "redis", append_only=True)
    synced = replace(program, arguments=(*program.arguments, "--appendfsync", "always"))
    child = Child(synced, folder / "logs")
    child.start()
    try:
        child.wait_ready()
        yield OwnRedis(child, f"redis://{LOOPBACK}:{port}/0")
    finally:
        signal_child(child, signal.SIGCONT)
        child.kill()


def killed(night: FaultNight) -> None:
    """SIGKILL, and a start from what it has written."""
    redis = begin(night)
    for _ in range(1 if night.short else KILLS):
        night.progress(night.rng.randint(1, 20))
        redis.child.kill()
        night.hold(AWAY_S)
        redis.child.start()
        redis.child.wait_ready()
        night.struck()
        night.recovered()


def full(night: FaultNight) -> None:
    """No more memory, nothing evicted: writes are refused until somebody gives it more."""
    redis = begin(night)
    for _ in range(2):
        night.progress(10)
        with open_server(redis.url) as server:
            used = server.info("memory")["used_memory"]
            server.config_set("maxmemory", max(1, int(used) - 1))
        night.hold(FULL_S)
        with open_server(redis.url) as server:
            server.config_set("maxmemory", 0)
        night.struck()
        night.recovered()


def slow(night: FaultNight) -> None:
    """Later than the client's time-out, yet done: by a pause, and by a process that sleeps."""
    redis = begin(night)
    with open_server(redis.url) as server:
        server.client_pause(int(SLOW_S * 1000))
    night.hold(SLOW_S)
    night.struck()
    night.recovered()
    signal_child(redis.child, signal.SIGSTOP)
    night.hold(SLOW_S)
    signal_child(redis.child, signal.SIGCONT)
    night.struck()
    night.recovered()


def begin(night: FaultNight) -> OwnRedis:
    """Open a night with a Redis of its own."""
    redis = night.enter(own_redis(night.site.folder))
    night.begin(servers={"redis": redis.url})
    return redis


FAULTS = (
    Fault("redis-killed", "SIGKILL of Redis, append-only always", killed, in_short=True),
    Fault("redis-full", "Redis without memory, noeviction", full),
    Fault("redis-slow", f"Redis answers after {SLOW_S:g} s, beyond the time-out", slow),
)
