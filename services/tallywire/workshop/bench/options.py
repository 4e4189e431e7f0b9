"""What `tallywire bench` was asked for, and the sheets and the stack that follow from it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from tallywire.workshop.stack.broker_kind import BrokerKind
from tallywire.workshop.synthetic.conditions import ConditionName
from tallywire.workshop.synthetic.display import render_with_bar
from tallywire.workshop.synthetic.rendering import RenderOptions
from tallywire.workshop.up.options import UpOptions

SEED = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchOptions:
    """What the user asked for; how many scans wait for the workers is asked for apart."""

    sheets: int
    workers: int
    condition: ConditionName
    broker: BrokerKind
    folder: Path
    json_file: Path | None

    @property
    def scans(self) -> Path:
        """Where the sheets go, and the election of just their stations."""
        return self.folder / "scans"


def render_sheets(options: BenchOptions, sheets: int, console: Console) -> None:
    """Draw so many sheets into `options.scans`."""
    sheet_options = RenderOptions(
        out=options.scans,
        stations=sheets,
        seed=SEED,
        condition=options.condition,
        jobs=os.cpu_count() or 1,
    )
    render_with_bar(sheet_options, console)


def stack_options(options: BenchOptions, election: str, workers: int) -> UpOptions:
    """A stack for an election, by id or folder, on whatever ports are free."""
    return UpOptions(
        election=election,
        broker=options.broker,
        workers=workers,
        dashboard=False,
        folder=options.folder,
        ports={},
    )
