"""The demo from the first sheet to the closing table: `up`, and a publisher of synthetic sheets."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from tallywire.edge.output_files import write_json
from tallywire.edge.terminal import terminal
from tallywire.election.ground_truth import TRUTH_FILE
from tallywire.election.loading import load_election
from tallywire.results.report import make_report
from tallywire.results.report_page import write_page
from tallywire.settings import load_settings
from tallywire.workshop.demo.drawing import SheetDrawing, drawing_sheets
from tallywire.workshop.demo.grading import grade
from tallywire.workshop.demo.live_night import publish_as_drawn
from tallywire.workshop.demo.result import NightResult, collect_result
from tallywire.workshop.demo.summary import to_json, to_table
from tallywire.workshop.stack.broker_kind import BrokerKind
from tallywire.workshop.stack.local import LocalStack
from tallywire.workshop.stack.work_folder import empty_folder, locked_folder
from tallywire.workshop.synthetic.conditions import ConditionName
from tallywire.workshop.synthetic.rendering import ELECTION, RenderOptions
from tallywire.workshop.up.options import UpOptions
from tallywire.workshop.up.preflight import require_startable
from tallywire.workshop.up.up import plain_printer, quiet_clients, running_stack

LINGER_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    """What the user asked for."""

    stations: int | None
    workers: int
    condition: ConditionName
    inconsistent: float
    seed: int
    rate: float | None
    dashboard: bool
    folder: Path
    json_file: Path | None
    broker: BrokerKind = "embedded"

    @property
    def scans(self) -> Path:
        """Where the sheets go, and the election of just these stations."""
        return self.folder / "scans"


def run_demo(options: DemoOptions) -> bool:
    """Run one night; True where the delivery guarantee held.

    Raises:
        UsageError: the folder holds something else than an earlier demo, or a program is missing.
        PeerError: a server did not start, or the night got stuck.
    """
    quiet_clients()
    console = terminal(stderr=True)
    require_startable(stack_options(options, ELECTION), load_settings())
    with locked_folder(options.folder):
        empty_folder(options.folder)
        with drawing_sheets(sheet_options(options)) as drawing:
            stack_of_night = stack_options(options, str(options.scans.absolute()))
            with running_stack(stack_of_night, plain_printer(console)) as stack:
                return spend_night(options, stack, drawing, console)


def stack_options(options: DemoOptions, election: str) -> UpOptions:
    """The stack of a night: begun anew each time, on whatever ports are free."""
    return UpOptions(
        election=election,
        broker=options.broker,
        workers=options.workers,
        dashboard=options.dashboard,
        folder=options.folder,
        ports={},
    )


def sheet_options(options: DemoOptions) -> RenderOptions:
    """Every station's sheet, with truth.csv and the election's files."""
    return RenderOptions(
        out=options.scans,
        election=ELECTION,
        stations=options.stations,
        seed=options.seed,
        condition=options.condition,
        inconsistent=options.inconsistent,
        jobs=max(1, (os.cpu_count() or 1) // 2),  # the other half of the cores counts meanwhile
    )


def spend_night(
    options: DemoOptions, stack: LocalStack, drawing: SheetDrawing, console: Console
) -> bool:
    """Publish, count, print; True where the delivery guarantee held."""
    if stack.dashboard_url:
        console.print(f"Live page: {stack.dashboard_url}", style="bold")
    for name, url in stack.metrics_urls.items():
        console.print(f"Metrics of {name}: {url}", style="dim")
    night = publish_and_count(options, stack, drawing, console)
    truths = {row.scan_id: row.cells for row in drawing.wait().rows}
    summary = to_json(night, grade(night.readings.values(), truths))
    summary["worker_restarts"] = stack.restarts
    terminal().print(to_table(summary))
    _write(options.json_file, summary)
    _report(stack, options, console)
    if stack.dashboard_url:
        _linger(console, stack.dashboard_url)
    return night.accounting.kept


def publish_and_count(
    options: DemoOptions, stack: LocalStack, drawing: SheetDrawing, console: Console
) -> NightResult:
    """Publish what is drawn, wait until every scan has its outcome, and collect."""
    election = load_election(options.scans).election
    receipts = publish_as_drawn(
        stack.settings, election, drawing, options.scans, options.folder / "receipts.jsonl",
        options.rate, console,
    )  # fmt: skip
    return collect_result(stack.settings, election, len(drawing.wait().rows), receipts)


def _write(path: Path | None, summary: dict[str, Any]) -> None:
    if path:
        write_json(path, summary)


def _report(stack: LocalStack, options: DemoOptions, console: Console) -> None:
    """The article's figures of this night, beside its logs."""
    page = options.folder / "report.html"
    found = make_report(stack.settings, None, None, options.scans / TRUTH_FILE)
    page.write_text(write_page(found), encoding="utf-8")
    console.print(f"Figures of the article for this night: {page}", markup=False)


def _linger(console: Console, url: str, wait: Callable[[float], object] = time.sleep) -> None:
    """Leave the page up for whoever is at the terminal."""
    if not sys.stdin.isatty():
        wait(LINGER_S)
        return
    console.print(f"The live page stays at {url} - Ctrl-C ends everything", style="bold")
    try:
        while True:
            wait(1.0)
    except KeyboardInterrupt:
        console.print("Ending every process")
