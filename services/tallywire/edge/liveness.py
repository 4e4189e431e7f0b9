"""Whether a process that is no worker still moves: work at hand, and when it last got further."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Vitals:
    """Told by the process, read by its health. Any thread may do either."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._at_hand = 0
        self._moved_s = self._beat_s = time.monotonic()
        self.waiting_for = ""  # the peer that is away, if any: no standstill of ours

    @property
    def at_hand(self) -> int:
        """Pieces of work begun and not ended."""
        return self._at_hand

    @contextmanager
    def working(self) -> Iterator[None]:
        """One piece of work, from here to the end of the block."""
        self._change(1)
        try:
            yield
        finally:
            self._change(-1)

    def note(self, at_hand: int, *, further: bool) -> None:
        """So much is at hand now; `further` says that something got done since the last note."""
        with self._lock:
            if further or not self._at_hand:
                self._moved_s = time.monotonic()
            self._at_hand = at_hand

    def _change(self, by: int) -> None:
        with self._lock:
            if by < 0 or not self._at_hand:
                self._moved_s = time.monotonic()
            self._at_hand += by

    def beat(self) -> None:
        """The main loop runs."""
        self._beat_s = time.monotonic()

    def stalled_s(self) -> float:
        """Seconds since the loop last ran, or since work at hand last got further."""
        if self.waiting_for:
            return 0.0
        now_s = time.monotonic()
        with self._lock:
            return max(now_s - self._beat_s, now_s - self._moved_s if self._at_hand else 0.0)
