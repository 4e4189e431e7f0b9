"""The progress bar, and lines above it."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from tallywire.bars import RateColumn
from tallywire.publish.result import Result

REDRAW_S = 0.1
TELL_S = 30.0


class Display:
    """A context manager: shows how far a run is. `total` is None where no end is known."""

    def __init__(self, console: Console, total: int | None) -> None:
        self._console = console
        self._due_s = 0.0
        self._told = 0
        self._tell_at_s = time.monotonic() + TELL_S
        left = () if total is None else (TimeRemainingColumn(),)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            RateColumn(),
            TextColumn("{task.fields[megabytes]:,.1f} MB"),
            TimeElapsedColumn(),
            *left,
            console=console,
        )
        self._task = self._progress.add_task(
            "Watching" if total is None else "Publishing", total=total, megabytes=0.0
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def say(self, line: str) -> None:
        """One line above the bar."""
        self._progress.console.print(line, highlight=False, markup=False, soft_wrap=True)

    def show(self, result: Result, *, at_once: bool = False) -> None:
        """Bring the bar up to date, ten times a second at most. Where there is no terminal to draw
        a bar on, now and then a line."""
        now_s = time.monotonic()
        if now_s < self._due_s and not at_once:
            return
        self._due_s = now_s + REDRAW_S
        done = result.published + sum(result.skipped.values()) + sum(result.refused.values())
        megabytes = result.published_bytes / 1e6
        self._progress.update(self._task, completed=done, megabytes=megabytes)
        if not self._console.is_terminal and done > self._told and now_s >= self._tell_at_s:
            self._told, self._tell_at_s = done, now_s + TELL_S
            self.say(
                f"{result.published:,} published, {done - result.published:,} skipped or refused"
            )
