"""Brokers that die and come back. Only where there is a log to come back with: Apache Kafka."""

from __future__ import annotations

from tallywire.workshop.faults.fault import Fault
from tallywire.workshop.faults.night import FaultNight
from tallywire.workshop.stack.local import LocalStack, StackPlan

KILLS = 2
AWAY_S = 3.0
NODES = 3


def killed(night: FaultNight) -> None:
    """SIGKILL of the only broker, and a start with its log."""
    night.begin()
    broker = night.site.stack.child("broker")
    for _ in range(KILLS):
        night.progress(20)
        broker.kill()
        night.hold(AWAY_S)
        broker.start()
        broker.wait_ready()
        night.struck()
        night.recovered()


def one_of_three(night: FaultNight) -> None:
    """SIGKILL of one broker after another; every record stands on three, two must confirm it."""
    folder = night.site.folder / "brokers"
    plan = StackPlan(folder, broker="kafka", brokers=NODES, redis=False, model=False)
    stack = night.enter(LocalStack(plan, night.site.say))
    given = {"kafka": stack.settings.kafka, "replication": str(NODES)}
    night.begin(servers=given)
    for number in range(1, NODES + 1):
        broker = stack.child(f"broker-{number}")
        night.progress(10)
        broker.kill()
        night.struck()  # the other two are to go on
        night.recovered()
        broker.start()
        broker.wait_ready()


FAULTS = (
    Fault("broker-killed", "SIGKILL of the broker", killed, durable=True),
    Fault("broker-of-three", "one of three brokers lost", one_of_three, durable=True),
)
