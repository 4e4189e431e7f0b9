"""Everything that `tallywire faults` breaks: one list, in the order in which it is run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tallywire.errors import UsageError
from tallywire.workshop.faults import breaking_clients as clients
from tallywire.workshop.faults import breaking_servers as servers
from tallywire.workshop.faults.night import FaultNight
from tallywire.workshop.faults.streams import (
    Stream,
    clocks_an_hour_off,
    every_scan_thrice,
    good_scans,
    one_in_four_malformed,
)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One way in which a night can go wrong.

    `run` opens the night, breaks things and mends them; publishing goes on meanwhile, and what
    came of it is judged afterwards. `stream` is what is published, at least `scans` of it.
    """

    name: str
    breaks: str  # in a few words, for the table
    run: Callable[[FaultNight], None]
    stream: Stream = good_scans
    scans: int = 240
    in_short: bool = False
    durable: bool = False  # needs a broker that survives its own end


def nothing_breaks(night: FaultNight) -> None:
    """Nothing breaks but what is published."""
    night.begin()


SCENARIOS = (
    Scenario(
        "worker-killed", "SIGKILL of a worker at random moments", clients.kill_workers,
        in_short=True,
    ),
    Scenario(
        "worker-frozen", "a worker asleep for longer than its session", clients.freeze_workers,
    ),
    Scenario(
        "rebalance-storm", "workers join and leave every few seconds", clients.swap_workers,
    ),
    Scenario("clock-worker", "the clock of a worker jumps an hour", clients.shift_worker_clocks),
    Scenario("model-killed", "SIGKILL of the model server", servers.kill_model),
    Scenario(
        "model-slow", f"the model server answers after {servers.MODEL_SLOW_S:g} s",
        servers.slow_model,
    ),
    Scenario(
        "model-nonsense", "the model server answers garbage", servers.spoil_model_answers,
        in_short=True,
    ),
    Scenario(
        "redis-killed", "SIGKILL of Redis, append-only always", servers.kill_redis, in_short=True,
    ),
    Scenario("redis-full", "Redis without memory, noeviction", servers.fill_redis),
    Scenario(
        "redis-slow", f"Redis answers after {servers.REDIS_SLOW_S:g} s, beyond the time-out",
        servers.slow_redis,
    ),
    Scenario("broker-killed", "SIGKILL of the broker", servers.kill_broker, durable=True),
    Scenario(
        "broker-of-three", "one of three brokers lost", servers.kill_brokers_in_turn, durable=True,
    ),
    Scenario(
        "network-broker", "no network between workers and broker", servers.break_network_to_broker,
    ),
    Scenario(
        "network-redis", "no network between workers and Redis", servers.break_network_to_redis,
    ),
    Scenario(
        "network-model", "no network between workers and model server",
        servers.break_network_to_model,
    ),
    Scenario(
        "publisher-killed", "SIGKILL of the publisher, started again", clients.kill_publisher,
        scans=0,
    ),
    Scenario(
        "clock-scanner", "scans from an hour ago and an hour ahead", nothing_breaks,
        stream=clocks_an_hour_off,
    ),
    Scenario(
        "scans-thrice", "every scan published three times", nothing_breaks,
        stream=every_scan_thrice,
    ),
    Scenario(
        "scans-poison", "a quarter of the scans is malformed", nothing_breaks,
        stream=one_in_four_malformed, in_short=True,
    ),
)  # fmt: skip


def choose(scenarios: Sequence[Scenario], names: Sequence[str], *, short: bool) -> list[Scenario]:
    """Those called `names`; without names, all of them, or the ones of the short form.

    Raises:
        UsageError: there is no fault of that name.
    """
    known = {scenario.name: scenario for scenario in scenarios}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UsageError(f"There is no fault {unknown[0]!r}; there are: {', '.join(known)}")
    if names:
        return [known[name] for name in names]
    return [scenario for scenario in scenarios if scenario.in_short or not short]
