"""Servers that die, are slow, full or out of their mind, and the network to them."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tallywire.ledger.connection import open_server
from tallywire.supervision import probes
from tallywire.supervision.child import Child
from tallywire.supervision.ports import LOOPBACK, any_free_port
from tallywire.workshop.faults import redirected_worker
from tallywire.workshop.faults.model_relay import NONSENSE, ModelRelay
from tallywire.workshop.faults.night import FaultNight
from tallywire.workshop.faults.worker_pool import signal_child
from tallywire.workshop.stack.local import LocalStack, StackPlan
from tallywire.workshop.stack.servers import redis_program
from tallywire.workshop.stack.tcp_proxy import TcpProxy

BROKER_KILLS, BROKER_AWAY_S, BROKER_NODES = 2, 3.0, 3
MODEL_KILLS, MODEL_SLOW_S = 2, 5.0
REDIS_KILLS, REDIS_AWAY_S, REDIS_FULL_S = 3, 2.0, 6.0
REDIS_SLOW_S = 7.0  # longer than a client waits
NETWORK_CUT_S, NETWORK_SLOW_S, NETWORK_DELAY_S = 4.0, 6.0, 0.5
NETWORK_DEAD_S = 8.0  # longer than the session, and than any time-out of ours


def kill_broker(night: FaultNight) -> None:
    """SIGKILL of the only broker, and a start with its log."""
    night.begin()
    broker = night.setup.stack.child("broker")
    for _ in range(BROKER_KILLS):
        night.wait_progress(20)
        broker.kill()
        night.wait_seconds(BROKER_AWAY_S)
        broker.start()
        broker.wait_ready()
        night.mended()
        night.wait_recovered()


def kill_brokers_in_turn(night: FaultNight) -> None:
    """SIGKILL of one broker after another; every record stands on three, two must confirm it."""
    folder = night.setup.folder / "brokers"
    plan = StackPlan(folder, broker="kafka", brokers=BROKER_NODES, redis=False, model=False)
    stack = night.enter(LocalStack(plan, night.setup.say))
    given = {"kafka": stack.settings.kafka, "replication": str(BROKER_NODES)}
    night.begin(servers=given)
    for number in range(1, BROKER_NODES + 1):
        broker = stack.child(f"broker-{number}")
        night.wait_progress(10)
        broker.kill()
        night.mended()  # the other two are to go on
        night.wait_recovered()
        broker.start()
        broker.wait_ready()


def kill_model(night: FaultNight) -> None:
    """SIGKILL; its supervisor starts it again."""
    night.begin()
    model = night.setup.stack.child("model")
    for _ in range(1 if night.short else MODEL_KILLS):
        model.kill()
        night.wait_seconds(1.0)
        night.wait_until(lambda: probes.model_answers(night.settings.serving), "model server")
        night.mended()
        night.wait_recovered()


def slow_model(night: FaultNight) -> None:
    """Answers that take as long as the worker is willing to wait."""
    relay = night.enter(ModelRelay(night.settings.serving))
    night.begin(worker={"serving": relay.address})
    relay.delay_s = MODEL_SLOW_S
    night.wait_seconds(4 * MODEL_SLOW_S)
    relay.delay_s = 0.0
    night.mended()
    night.wait_recovered()


def spoil_model_answers(night: FaultNight) -> None:
    """Wrong shapes, values that are none, torn messages: every kind several times."""
    relay = night.enter(ModelRelay(night.settings.serving))
    night.begin(worker={"serving": relay.address})
    for _ in range(1 if night.short else 2):
        relay.spoilt, relay.nonsense = 0, True
        night.wait_until(lambda: relay.spoilt >= 3 * len(NONSENSE), "question to the model")
        relay.nonsense = False
        night.mended()
        night.wait_recovered()


@dataclass(frozen=True, slots=True)
class OwnRedis:
    """A Redis that loses nothing that it has confirmed, and its URL."""

    child: Child
    url: str


@contextmanager
def own_redis(folder: Path) -> Iterator[OwnRedis]:
    """A night's own, synced at every write; it is killed in the end."""
    port = any_free_port()
    program = redis_program(port, folder / "redis", append_only=True, sync_always=True)
    child = Child(program, folder / "logs")
    child.start()
    try:
        child.wait_ready()
        yield OwnRedis(child, f"redis://{LOOPBACK}:{port}/0")
    finally:
        signal_child(child, signal.SIGCONT)
        child.kill()


def begin_with_own_redis(night: FaultNight) -> OwnRedis:
    """Open a night with a Redis of its own."""
    redis = night.enter(own_redis(night.setup.folder))
    night.begin(servers={"redis": redis.url})
    return redis


def kill_redis(night: FaultNight) -> None:
    """SIGKILL, and a start from what it has written."""
    redis = begin_with_own_redis(night)
    for _ in range(1 if night.short else REDIS_KILLS):
        night.wait_progress(night.rng.randint(1, 20))
        redis.child.kill()
        night.wait_seconds(REDIS_AWAY_S)
        redis.child.start()
        redis.child.wait_ready()
        night.mended()
        night.wait_recovered()


def fill_redis(night: FaultNight) -> None:
    """No more memory, nothing evicted: writes are refused until somebody gives it more."""
    redis = begin_with_own_redis(night)
    for _ in range(2):
        night.wait_progress(10)
        with open_server(redis.url) as server:
            used: Any = server.info("memory")
            server.config_set("maxmemory", max(1, int(used["used_memory"]) - 1))
        night.wait_seconds(REDIS_FULL_S)
        with open_server(redis.url) as server:
            server.config_set("maxmemory", 0)
        night.mended()
        night.wait_recovered()


def slow_redis(night: FaultNight) -> None:
    """Later than the client's time-out, yet done: by a pause, and by a process that sleeps."""
    redis = begin_with_own_redis(night)
    with open_server(redis.url) as server:
        server.client_pause(int(REDIS_SLOW_S * 1000))
    night.wait_seconds(REDIS_SLOW_S)
    night.mended()
    night.wait_recovered()
    signal_child(redis.child, signal.SIGSTOP)
    night.wait_seconds(REDIS_SLOW_S)
    signal_child(redis.child, signal.SIGCONT)
    night.mended()
    night.wait_recovered()


def break_network_to_model(night: FaultNight) -> None:
    """Between workers and model server."""
    proxy = night.enter(TcpProxy(night.settings.serving))
    night.begin(worker={"serving": f"{LOOPBACK}:{proxy.port}"})
    break_network(night, proxy)


def break_network_to_redis(night: FaultNight) -> None:
    """Between workers and Redis."""
    server, _, database = night.settings.redis.removeprefix("redis://").partition("/")
    proxy = night.enter(TcpProxy(server))
    night.begin(worker={"redis": f"redis://{LOOPBACK}:{proxy.port}/{database}"})
    break_network(night, proxy)


def break_network_to_broker(night: FaultNight) -> None:
    """Between workers and broker; the scanners have a line of their own."""
    proxy = night.enter(TcpProxy(night.settings.kafka))
    port = night.settings.kafka.rpartition(":")[2]
    night.begin(
        module=redirected_worker.__name__,
        variables={redirected_worker.VARIABLE: f"{port}:{proxy.port}"},
    )
    break_network(night, proxy)


def break_network(night: FaultNight, proxy: TcpProxy) -> None:
    """Every connection ended; nothing that gets through; everything late."""
    proxy.cut()
    night.wait_seconds(NETWORK_CUT_S)
    proxy.mend()
    night.mended()
    night.wait_recovered()
    proxy.hang()
    night.wait_seconds(NETWORK_DEAD_S)
    proxy.mend()
    night.mended()
    night.wait_recovered()
    proxy.slow(NETWORK_DELAY_S)
    night.wait_seconds(NETWORK_SLOW_S)
    proxy.mend()
    night.mended()
    night.wait_recovered()
