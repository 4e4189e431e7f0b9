"""The network between the workers and each server: cut, dead, slow."""

from __future__ import annotations

from tallywire.supervision.ports import LOOPBACK
from tallywire.workshop.faults import redirected_worker
from tallywire.workshop.faults.fault import Fault
from tallywire.workshop.faults.night import FaultNight
from tallywire.workshop.stack.proxy import ProxiedWire

CUT_S = 4.0
DEAD_S = 8.0  # longer than the session, and than any time-out of ours
SLOW_S = 6.0
DELAY_S = 0.5


def to_model(night: FaultNight) -> None:
    """Between workers and model server."""
    wire = night.enter(ProxiedWire(night.settings.serving))
    night.begin(worker={"serving": f"{LOOPBACK}:{wire.port}"})
    trouble(night, wire)


def to_redis(night: FaultNight) -> None:
    """Between workers and Redis."""
    server, _, database = night.settings.redis.removeprefix("redis://").partition("/")
    wire = night.enter(ProxiedWire(server))
    night.begin(worker={"redis": f"redis://{LOOPBACK}:{wire.port}/{database}"})
    trouble(night, wire)


def to_broker(night: FaultNight) -> None:
    """Between workers and broker; the scanners have a line of their own."""
    wire = night.enter(ProxiedWire(night.settings.kafka))
    port = night.settings.kafka.rpartition(":")[2]
    night.begin(
        module=redirected_worker.__name__,
        variables={redirected_worker.VARIABLE: f"{port}:{wire.port}"},
    )
    trouble(night, wire)


def trouble(night: FaultNight, wire: ProxiedWire) -> None:
    """Every connection ended; nothing that gets through; everything late."""
    wire.cut()
    night.hold(CUT_S)
    wire.mend()
    night.struck()
    night.recovered()
    wire.hang()
    night.hold(DEAD_S)
    wire.mend()
    night.struck()
    night.recovered()
    wire.slow(DELAY_S)
    night.hold(SLOW_S)
    wire.mend()
    night.struck()
    night.recovered()


FAULTS = (
    Fault("network-broker", "no network between workers and broker", to_broker),
    Fault("network-redis", "no network between workers and Redis", to_redis),
    Fault("network-model", "no network between workers and model server", to_model),
)
