"""The progress bar, and lines above it."""

from __future__ import annotations

import time

from rich.console import Console

from tallywire.edge.progress_bars import ProgressBar
from tallywire.publish.result import PublishResult

REDRAW_S = 0.1
TELL_S = 30.0


class PublishDisplay(ProgressBar):
    """Shows how far a run is. `total` is None where no end is known."""

    def __init__(self, console: Console, total: int | None) -> None:
        self._due_s = 0.0
        self._told = 0
        self._tell_at_s = time.monotonic() + TELL_S
        super().__init__(console, "{task.fields[megabytes]:,.1f} MB", endless=total is None)
        self._task = self.add_task(
            "Watching" if total is None else "Publishing", total=total, megabytes=0.0
        )

    def show(self, result: PublishResult, *, at_once: bool = False) -> None:
        """Bring the bar up to date, ten times a second at most. Where there is no terminal to draw
        a bar on, now and then a line."""
        now_s = time.monotonic()
        if now_s < self._due_s and not at_once:
            return
        self._due_s = now_s + REDRAW_S
        done = result.published + sum(result.skipped.values()) + sum(result.refused.values())
        megabytes = result.published_bytes / 1e6
        self.update(self._task, completed=done, megabytes=megabytes)
        if not self.console.is_terminal and done > self._told and now_s >= self._tell_at_s:
            self._told, self._tell_at_s = done, now_s + TELL_S
            self.say(
                f"{result.published:,} published, {done - result.published:,} skipped or refused"
            )
