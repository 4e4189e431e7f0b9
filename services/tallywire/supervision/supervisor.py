"""Watches children and starts again those that should run for ever."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from tallywire.supervision.child import Child

CHECK_EVERY_S = 0.1
FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 10.0
HEALTHY_AFTER_S = 20.0  # a child that ran for so long starts with a clean record


def pause_s(failures_in_a_row: int) -> float:
    """How long to wait before the next start: doubling, bounded."""
    return min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(failures_in_a_row, 16))


@dataclass(slots=True)
class WatchedChild:
    """One child under watch."""

    child: Child
    started_s: float
    failures: int = 0
    due_s: float | None = None  # when to start it again; None while it runs


class Supervisor:
    """A thread that starts children again when they end, until `stop`."""

    def __init__(self, say: Callable[[str], object]) -> None:
        self._say = say
        self._lock = threading.Lock()
        self._watched: list[WatchedChild] = []
        self._stopping = False
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)

    def watch(self, child: Child) -> None:
        """Keep `child`, which was just started, running."""
        with self._lock:
            self._watched.append(WatchedChild(child, time.monotonic()))
        if not self._thread.is_alive():
            self._thread.start()

    def stop(self) -> None:
        """No more starts from now on. The children run on, to be ended by the caller."""
        with self._lock:
            self._stopping = True

    def release(self) -> None:
        """End the thread. Only once the children are gone: the kernel ends a child together with
        the thread that started it."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(CHECK_EVERY_S):
            with self._lock:
                if not self._stopping:
                    for watched in self._watched:
                        self._restart_if_ended(watched)

    def _restart_if_ended(self, watched: WatchedChild) -> None:
        now_s = time.monotonic()
        if watched.child.is_alive():
            return
        if watched.due_s is None:
            healthy = now_s - watched.started_s > HEALTHY_AFTER_S
            watched.failures = 0 if healthy else watched.failures
            pause = pause_s(watched.failures)
            watched.due_s = now_s + pause
            watched.failures += 1
            name, code = watched.child.program.name, watched.child.exit_code()
            self._say(f"{name} ended with code {code}; starting it again in {pause:g} s")
        elif now_s >= watched.due_s:
            watched.child.restarts += 1
            watched.child.start()
            watched.started_s, watched.due_s = now_s, None
