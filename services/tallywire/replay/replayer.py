"""Runs the workers of a replay and follows the generation that they fill."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tallywire.edge.log_offsets import LogBounds
from tallywire.errors import TallywireError
from tallywire.ledger.client import LedgerClient, open_ledger
from tallywire.ledger.snapshot import read_snapshot
from tallywire.replay.lag import behind, lag, read_bounds, read_so_far
from tallywire.replay.preparation import OpenedReplay
from tallywire.settings import PREFIX, Settings
from tallywire.supervision.child import Child
from tallywire.supervision.ports import any_free_port
from tallywire.supervision.programs import worker_program
from tallywire.supervision.supervisor import Supervisor

TICK_S = 0.5
OUTCOMES = ("counted", "held", "rejected", "duplicate")


@dataclass(frozen=True, slots=True)
class ReplayProgress:
    """How far a replay is. `at_end` is true once everything is read that the topics held a tick
    ago: while scans arrive, the very last one is always on its way."""

    done: int  # scans
    total: int
    corrections_left: int
    outcomes: Mapping[str, int]
    at_end: bool


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """What a replay came to; `seconds` until the end of the topics was reached first."""

    look: ReplayProgress | None
    reached_end: bool
    seconds: float
    restarts: int


@dataclass(frozen=True, slots=True)
class ReplayListener:
    """Whom to tell: lines, and every look."""

    say: Callable[[str], object]
    show: Callable[[ReplayProgress], object]
    reached: Callable[[ReplayProgress, float], object]


def replay(
    opened: OpenedReplay,
    workers: int,
    folder: Path,
    report: ReplayListener,
    stop: threading.Event,
    *,
    follow: bool,
) -> ReplayResult:
    """Fill the generation; return at the end of the topics, or with `follow` only on `stop`.

    Call it from a thread that lives as long: the kernel ends the workers with it.
    """
    began_s, reached_s, look = time.monotonic(), 0.0, None
    with running_workers(opened.settings, workers, folder, report.say) as children:
        for look in looks(opened, report.say, stop):
            report.show(look)
            if look.at_end and not reached_s:
                reached_s = time.monotonic()
                report.reached(look, reached_s - began_s)
            if look.at_end and not follow:
                break
    seconds = (reached_s or time.monotonic()) - began_s
    return ReplayResult(look, bool(reached_s), seconds, sum(child.restarts for child in children))


@contextmanager
def running_workers(
    settings: Settings, count: int, folder: Path, say: Callable[[str], object]
) -> Iterator[list[Child]]:
    """Workers with these settings, started again whenever they end; at the end all are ended."""

    def tell(line: str) -> None:
        say(f"{line} (its log is in {folder})")

    supervisor = Supervisor(tell)
    environment = to_environment(settings)
    programs = [worker_program(number + 1, any_free_port(), environment) for number in range(count)]
    children = [Child(program, folder) for program in programs]
    try:
        for child in children:
            child.start()
            supervisor.watch(child)
        yield children
    finally:
        supervisor.stop()
        for child in children:
            child.ask_to_end()
        for child in children:
            child.end()
        supervisor.release()


def looks(
    opened: OpenedReplay, say: Callable[[str], object], stop: threading.Event
) -> Iterator[ReplayProgress]:
    """One look every half second; while a server is away there is none, and a line says so."""
    settings = opened.settings
    before: LogBounds | None = None
    trouble = ""
    with open_ledger(settings.redis, opened.election) as ledger:
        while not stop.wait(TICK_S):
            try:
                bounds = read_bounds(settings)
                look = take_look(ledger, opened, bounds, before)
            except TallywireError as error:
                trouble = tell_once(say, trouble, f"Waiting: {error}")
                continue
            trouble = tell_once(say, trouble, "")
            before = bounds
            yield look


def take_look(
    ledger: LedgerClient, opened: OpenedReplay, bounds: LogBounds, before: LogBounds | None
) -> ReplayProgress:
    """How far the generation is, by the ends of the topics now and a tick ago.

    Raises:
        PeerError: Redis is away.
    """
    settings, about = opened.settings, opened.about
    topics, name = settings.topics, settings.generation
    stored = ledger.next_offsets(name)
    done, total = read_so_far(bounds, stored, about.starts, topics.scans)
    return ReplayProgress(
        done=done,
        total=total,
        corrections_left=lag(bounds, stored, topics.corrections),
        outcomes=count_outcomes(ledger, name),
        at_end=before is not None and not behind(before, stored),
    )


def count_outcomes(ledger: LedgerClient, generation: str) -> dict[str, int]:
    """Scans of a generation by outcome.

    Raises:
        PeerError: Redis is away.
    """
    snapshot = read_snapshot(ledger, generation)
    return {one: snapshot.scans(one) if snapshot else 0 for one in OUTCOMES}


def to_environment(settings: Settings) -> dict[str, str]:
    """The settings as environment variables for a process of ours."""
    return {
        f"{PREFIX}{name.upper()}": str(value)
        for name, value in settings.model_dump().items()
        if value is not None
    }


def tell_once(say: Callable[[str], object], told: str, now: str) -> str:
    """Say what has changed since `told`; the state to remember."""
    if now != told:
        say(now or "The servers answer again")
    return now
