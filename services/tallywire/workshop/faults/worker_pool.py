"""The workers of a night: started, killed, and started again as their supervisor would."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from tallywire.settings import PREFIX
from tallywire.supervision import programs
from tallywire.supervision.child import Child
from tallywire.supervision.ports import any_free_port
from tallywire.supervision.probes import port_answers

MODULE = "tallywire"
PAUSE_S = 0.5  # between a worker's end and its next start


class WorkerPool:
    """Workers as processes. Start them from one thread that outlives them (see `Child.start`)."""

    def __init__(self, folder: Path, environment: Mapping[str, str], module: str = MODULE) -> None:
        self._folder, self._environment, self._module = folder, environment, module
        self._started_s: dict[str, float] = {}
        self._number = 0
        self.running: list[Child] = []
        self.stopped: list[Child] = []
        self.restarts = 0  # of workers that ended by themselves

    def start(self) -> Child:
        """Start one more worker; does not wait until it is ready."""
        self._number += 1
        program = programs.worker_program(self._number, any_free_port(), self._environment)
        arguments = (sys.executable, "-m", self._module, "worker")
        child = Child(replace(program, restart=False, arguments=arguments), self._folder)
        self._start_child(child)
        self.running.append(child)
        return child

    def restart_ended(self) -> None:
        """Start again whoever ended by itself: what a supervisor does."""
        for child in self.running:
            pause_over = time.monotonic() > self._started_s[child.program.name] + PAUSE_S
            if not child.is_alive() and pause_over:
                self.restarts += 1
                self._start_child(child)

    def kill(self, child: Child) -> None:
        """SIGKILL, and a start right behind it."""
        child.kill()
        self._start_child(child)

    def stop(self, child: Child) -> None:
        """SIGTERM; it is not started again."""
        self.running.remove(child)
        self.stopped.append(child)
        child.ask_to_end()

    def ready(self) -> Sequence[Child]:
        """The workers that have their partitions and can count."""
        return [child for child in self.running if child.is_alive() and child.program.is_ready()]

    def loaded(self) -> Sequence[Child]:
        """The workers that are past loading their code, whether they count yet or not."""
        up = [child for child in self.running if child.is_alive()]
        return [
            child
            for child in up
            if port_answers(int(child.program.environment[f"{PREFIX}HEALTH_PORT"]))
        ]

    def end(self) -> None:
        """Kill all of them: what a night has to show, it shows without a tidy end."""
        for child in (*self.running, *self.stopped):
            signal_child(child, signal.SIGCONT)
            child.kill()

    def _start_child(self, child: Child) -> None:
        self._started_s[child.program.name] = time.monotonic()
        child.start()


def signal_child(child: Child, number: signal.Signals) -> None:
    """Send a signal to a child that still runs."""
    if child.is_alive():
        os.kill(child.pid, number)
