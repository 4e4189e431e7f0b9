"""The model server away, slow, or out of its mind."""

from __future__ import annotations

from tallywire.supervision import probes
from tallywire.workshop.faults.fault import Fault
from tallywire.workshop.faults.night import FaultNight
from tallywire.workshop.faults.relay import NONSENSE, Relay

KILLS = 2
SLOW_S = 5.0
DOWN_WITHIN_S = 10.0


def killed(night: FaultNight) -> None:
    """SIGKILL; its supervisor starts it again."""
    night.begin()
    model = night.site.stack.child("model")
    for _ in range(1 if night.short else KILLS):
        model.kill()
        night.hold(1.0)
        night.wait(lambda: probes.model_answers(night.settings.serving), "model server")
        night.struck()
        night.recovered()


def slow(night: FaultNight) -> None:
    """Answers that take as long as the worker is willing to wait."""
    relay = night.enter(Relay(night.settings.serving))
    night.begin(worker={"serving": relay.address})
    relay.delay_s = SLOW_S
    night.hold(4 * SLOW_S)
    relay.delay_s = 0.0
    night.struck()
    night.recovered()


def nonsense(night: FaultNight) -> None:
    """Wrong shapes, values that are none, torn messages: every kind several times."""
    relay = night.enter(Relay(night.settings.serving))
    night.begin(worker={"serving": relay.address})
    for _ in range(1 if night.short else 2):
        relay.spoilt, relay.nonsense = 0, True
        night.wait(lambda: relay.spoilt >= 3 * len(NONSENSE), "question to the model")
        relay.nonsense = False
        night.struck()
        night.recovered()


FAULTS = (
    Fault("model-killed", "SIGKILL of the model server", killed),
    Fault("model-slow", f"the model server answers after {SLOW_S:g} s", slow),
    Fault("model-nonsense", "the model server answers garbage", nonsense, in_short=True),
)
