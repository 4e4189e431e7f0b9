"""The progress bar of a replay, and lines above it."""

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
from tallywire.replay.process import Look

TELL_S = 10.0


class Display:
    """A context manager: shows how far the generation is on its way to the end of the topics."""

    def __init__(self, console: Console, generation: str) -> None:
        self._console = console
        self._tell_at_s = time.monotonic() + TELL_S
        self._told: str | None = None
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            RateColumn(),
            TextColumn("{task.fields[outcomes]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
        )
        self._task = self._progress.add_task(
            f"Replaying into {generation}", total=None, outcomes=""
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

    def show(self, look: Look) -> None:
        """Bring the bar up to date; where there is no terminal for one, now and then a line."""
        text = words(look)
        self._progress.update(self._task, completed=look.done, total=look.total, outcomes=text)
        if self._console.is_terminal or text == self._told or time.monotonic() < self._tell_at_s:
            return
        self._told, self._tell_at_s = text, time.monotonic() + TELL_S
        self.say(f"{look.done:,} of {look.total:,} scans: {text}")

    def follow(self, generation: str) -> None:
        """From now on the bar tells that it keeps up."""
        self._progress.update(self._task, description=f"Following with {generation}")


def words(look: Look) -> str:
    """Outcomes, and corrections where some are left."""
    outcomes = "  ".join(f"{name} {count:,}" for name, count in look.outcomes.items())
    left = look.corrections_left
    return f"{outcomes}  ({left:,} corrections to go)" if left else outcomes
