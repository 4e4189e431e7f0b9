"""Workers that die, freeze, come and go, or whose clock jumps."""

from __future__ import annotations

import signal

from tallywire.workshop.faults import shifted_worker
from tallywire.workshop.faults.fault import Fault
from tallywire.workshop.faults.night import FaultNight
from tallywire.workshop.faults.worker_pool import signal_child

KILLS, KILLS_IN_SHORT = 20, 3
KILL_ANYHOW_S = 4.0  # a kill may also hit a group that is still forming
ROUNDS = 8
BEYOND_SESSION_S = 3.0
JUMPS = 4


def killed(night: FaultNight) -> None:
    """SIGKILL at random moments, each worker started again at once."""
    night.begin()
    for _ in range(KILLS_IN_SHORT if night.short else KILLS):
        if night.rng.random() < 0.5:
            night.progress(night.rng.randint(1, 12))
        else:
            night.hold(night.rng.uniform(0.0, KILL_ANYHOW_S))
        # A process that still loads its code has nothing to lose: it is no victim.
        night.wait(lambda: bool(night.crew.started()), "worker that is up")
        night.crew.kill(night.rng.choice(night.crew.started() or night.crew.hired))
        night.struck()


def frozen(night: FaultNight) -> None:
    """SIGSTOP for longer than the session, while the other counts on; then SIGCONT: a zombie."""
    night.begin()
    for sleeper in tuple(night.crew.hired):
        signal_child(sleeper, signal.SIGSTOP)
        night.hold(night.settings.session_timeout_s + BEYOND_SESSION_S)
        night.progress(10)
        signal_child(sleeper, signal.SIGCONT)
        night.struck()
        night.recovered()


def coming_and_going(night: FaultNight) -> None:
    """Every few seconds one worker joins and another leaves."""
    night.begin()
    for number in range(ROUNDS):
        night.crew.hire()
        night.hold(night.rng.uniform(1.0, 3.0))
        leaver = night.rng.choice(night.crew.hired[:-1])
        night.crew.dismiss(leaver)
        night.struck()
        night.hold(night.rng.uniform(1.0, 3.0))
        if number % 4 == 3:
            night.progress(10)


def clock_jumps(night: FaultNight) -> None:
    """The wall clock of each worker an hour on, and back, in the middle of counting."""
    night.begin(module=shifted_worker.__name__)
    night.wait(lambda: len(night.crew.ready()) == len(night.crew.hired), "worker that is ready")
    for number in range(JUMPS):
        signal_child(night.crew.hired[number % len(night.crew.hired)], signal.SIGUSR1)
        night.struck()
        night.progress(10)


FAULTS = (
    Fault("worker-killed", "SIGKILL of a worker at random moments", killed, in_short=True),
    Fault("worker-frozen", "a worker asleep for longer than its session", frozen),
    Fault("rebalance-storm", "workers join and leave every few seconds", coming_and_going),
    Fault("clock-worker", "the clock of a worker jumps an hour", clock_jumps),
)
