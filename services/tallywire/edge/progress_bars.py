"""Progress bars that commands share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text


class RateColumn(ProgressColumn):
    """Steps a second, over the last while."""

    def render(self, task: Task) -> Text:
        """The rate as text."""
        speed = task.finished_speed or task.speed
        return Text("-" if speed is None else f"{speed:,.1f}/s", style="cyan")


class ProgressBar(Progress):
    """A bar of scans with their rate, and lines above it; a context manager, as rich's are.

    Args:
        console: where.
        field: what stands behind the rate, as a rich format over `task.fields`.
        endless: no end is known, so none is foretold.
    """

    def __init__(self, console: Console, field: str, *, endless: bool = False) -> None:
        left = () if endless else (TimeRemainingColumn(),)
        super().__init__(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            RateColumn(),
            TextColumn(field, markup=False),
            TimeElapsedColumn(),
            *left,
            console=console,
        )

    def say(self, line: str) -> None:
        """One line above the bar."""
        self.console.print(line, highlight=False, markup=False, soft_wrap=True)


@contextmanager
def named_bars(console: Console, line: str) -> Iterator[Callable[[str, int, int], None]]:
    """One bar for each name; call what it gives with (name, done, in all).

    Args:
        console: where.
        line: what is printed once for each name where no bar can be drawn, a format of `name` and
            `total`.
    """
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bars:
        tasks: dict[str, TaskID] = {}

        def tell(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(name, total=total)
                if not console.is_terminal:  # a log shows no bar until its end
                    console.print(line.format(name=name, total=total), soft_wrap=True)
            bars.update(tasks[name], completed=done)

        yield tell


@contextmanager
def sheet_bar(title: str, console: Console) -> Iterator[Callable[[int, int], None]]:
    """A bar of sheets; call what it gives with (done, in all)."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}", markup=False),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(title, total=None, rate="", visible=False)

        def progress(done: int, total: int) -> None:
            elapsed = bar.tasks[0].elapsed or 0.0
            rate = f"{done / elapsed:.1f} sheets/s" if elapsed > 0.5 else ""
            bar.update(task, completed=done, total=total, rate=rate, visible=True)

        yield progress
