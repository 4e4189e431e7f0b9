"""Resident memory of a stack's processes, sampled once a second, and whether it stays bounded."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import psutil

from tallywire.workshop.stack.local import LocalStack

MIB = 1024 * 1024
SAMPLE_EVERY_S = 1.0
WORKER_LIMIT_MIB = 400.0
GROWTH, GROWTH_MIB = 0.10, 32.0
"""What the second half of a run may hold above the first: caches and heaps that fill up."""


@dataclass(frozen=True, slots=True)
class MemoryUse:
    """One process's memory over one stretch. `early_mib` is the peak of the first half."""

    peak_mib: float
    early_mib: float
    late_mib: float
    samples: int


@dataclass(slots=True)
class MemorySamples:
    """Resident bytes by process, with the monotonic second of each sample."""

    seen: dict[str, list[tuple[float, int]]] = field(default_factory=dict)

    def note(self, name: str, at_s: float, resident_bytes: int) -> None:
        """One sample of one process."""
        self.seen.setdefault(name, []).append((at_s, resident_bytes))


class MemoryWatch:
    """A context manager that samples every process of a stack, also at those that start or start
    again meanwhile."""

    def __init__(self, stack: LocalStack, every_s: float = SAMPLE_EVERY_S) -> None:
        self.samples = MemorySamples()
        self._stack, self._every_s = stack, every_s
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="memory", daemon=True)

    def __enter__(self) -> MemoryWatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            for child in self._stack.children:
                try:
                    resident = psutil.Process(child.pid).memory_info().rss
                except psutil.Error:  # it just ended
                    continue
                self.samples.note(child.program.name, time.monotonic(), resident)
            if self._ended.wait(self._every_s):
                return


def sum_up(
    samples: MemorySamples, from_s: float, to_s: float, warm_s: float | None = None
) -> dict[str, MemoryUse]:
    """Each process's memory between two moments of the monotonic clock.

    Halves are those of the work, which begins at `warm_s`: what a process takes to start is part of
    the first, however long it lasts.
    """
    middle_s = ((from_s if warm_s is None else warm_s) + to_s) / 2
    found = {}
    for name, taken in samples.seen.items():
        within = [(at_s, resident / MIB) for at_s, resident in taken if from_s <= at_s <= to_s]
        if within:
            early = [held for at_s, held in within if at_s <= middle_s]
            late = [held for at_s, held in within if at_s > middle_s]
            found[name] = MemoryUse(
                peak_mib=max(held for _, held in within),
                early_mib=max(early, default=0.0),
                late_mib=max(late, default=0.0),
                samples=len(within),
            )
    return found


def complaints(memory: Mapping[str, MemoryUse], grows_by_design: Sequence[str]) -> list[str]:
    """What is not bounded, in words; nothing where all is well.

    A worker has a limit of its own. Every other process must not hold much more in the second half
    of the run than in the first, unless it keeps what comes in (`grows_by_design`).
    """
    found = []
    for name, one in memory.items():
        if name.startswith("worker") and one.peak_mib >= WORKER_LIMIT_MIB:
            found.append(f"{name} held {one.peak_mib:.0f} MiB; the limit is {WORKER_LIMIT_MIB:.0f}")
        most_mib = one.early_mib * (1 + GROWTH) + GROWTH_MIB
        if name not in grows_by_design and one.late_mib > most_mib:
            found.append(
                f"{name} grew from {one.early_mib:.0f} MiB in the first half"
                f" to {one.late_mib:.0f} MiB in the second"
            )
    return found
