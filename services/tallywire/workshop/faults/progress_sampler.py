"""How far the count was, moment by moment, and how long it took to go on after a fault."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Mapping, Sequence

from tallywire.election.election import Election
from tallywire.errors import PeerError
from tallywire.ledger.client import open_ledger

EVERY_S = 0.1
PATIENCE_S = 1.0

Sample = tuple[float, Mapping[int, int]]
"""A moment (monotonic, s), and the next offset of each partition."""


class ProgressSampler:
    """A context manager: reads the ledger's offsets of one topic ten times a second."""

    def __init__(self, redis: str, election: Election, generation: str, topic: str) -> None:
        self._ledger = open_ledger(redis, election, PATIENCE_S)
        self._generation, self._topic = generation, topic
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="progress", daemon=True)
        self.samples: list[Sample] = []

    def __enter__(self) -> ProgressSampler:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._ledger.close()

    def settled(self) -> int:
        """Scans behind which nothing is left to do, as far as is known now."""
        return sum(self.at().values())

    def at(self) -> Mapping[int, int]:
        """The next offset of each partition, as far as is known now."""
        return self.samples[-1][1] if self.samples else {}

    def _run(self) -> None:
        while not self._ended.wait(EVERY_S):
            try:
                found = self._ledger.next_offsets(self._generation)
            except PeerError:
                continue  # it is the one that is broken tonight
            now = {log.number: at for log, at in found.items() if log.topic == self._topic}
            self.samples.append((time.monotonic(), now))


def recovery_s(
    samples: Sequence[Sample], mended: Sequence[float], ends: Mapping[int, int]
) -> float | None:
    """Longest time from a mending until every partition with scans before it has moved on.

    Where something broke again before that, the time from then on is what counts.

    Args:
        samples: in the order of time.
        mended: moments (monotonic, s) at which things worked again.
        ends: end of each partition, when all was over.

    Returns:
        seconds; 0 where nothing was left to read, None where a partition never moved again.
    """
    longest = 0.0
    for moment, again in zip(mended, (*mended[1:], math.inf), strict=True):
        before = [sample for sample in samples if sample[0] <= moment]
        stood = before[-1][1] if before else {}
        for number, end in ends.items():
            at = stood.get(number, 0)
            if at >= end:
                continue
            moved = (when for when, now in samples if when > moment and now.get(number, 0) > at)
            first = next(moved, None)
            if first is None:
                return None
            if first <= again:
                longest = max(longest, first - moment)
    return longest
