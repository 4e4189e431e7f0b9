"""The progress bar of a replay, and lines above it."""

from __future__ import annotations

import time

from rich.console import Console

from tallywire.edge.progress_bars import ProgressBar
from tallywire.replay.replayer import ReplayProgress

TELL_S = 10.0


class ReplayDisplay(ProgressBar):
    """Shows how far the generation is on its way to the end of the topics."""

    def __init__(self, console: Console, generation: str) -> None:
        self._tell_at_s = time.monotonic() + TELL_S
        self._told: str | None = None
        super().__init__(console, "{task.fields[outcomes]}")
        self._task = self.add_task(f"Replaying into {generation}", total=None, outcomes="")

    def show(self, look: ReplayProgress) -> None:
        """Bring the bar up to date; where there is no terminal for one, now and then a line."""
        text = words(look)
        self.update(self._task, completed=look.done, total=look.total, outcomes=text)
        if self.console.is_terminal or text == self._told or time.monotonic() < self._tell_at_s:
            return
        self._told, self._tell_at_s = text, time.monotonic() + TELL_S
        self.say(f"{look.done:,} of {look.total:,} scans: {text}")

    def follow(self, generation: str) -> None:
        """From now on the bar tells that it keeps up."""
        self.update(self._task, description=f"Following with {generation}")


def words(look: ReplayProgress) -> str:
    """Outcomes, and corrections where some are left."""
    outcomes = "  ".join(f"{name} {count:,}" for name, count in look.outcomes.items())
    left = look.corrections_left
    return f"{outcomes}  ({left:,} corrections to go)" if left else outcomes
