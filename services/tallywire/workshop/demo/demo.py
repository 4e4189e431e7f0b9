"""The demo from the first sheet to the closing table."""

from __future__ import annotations

import json
import logging
import os
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from tallywire.edge.progress_bars import sheet_bar
from tallywire.election.ground_truth import TRUTH_FILE, read_truth
from tallywire.election.loading import load_election
from tallywire.errors import UsageError
from tallywire.results.report import make_report
from tallywire.results.report_page import write_page
from tallywire.workshop.demo.grading import grade
from tallywire.workshop.demo.night import (
    NightResult,
    close_night,
    publish_folder,
    wait_until_accounted,
)
from tallywire.workshop.demo.summary import to_json, to_table
from tallywire.workshop.stack.apache import check_tools
from tallywire.workshop.stack.local import BrokerKind, LocalStack, StackPlan
from tallywire.workshop.synthetic.conditions import ConditionName
from tallywire.workshop.synthetic.rendering import RenderOptions, render

REPOSITORY = Path(__file__).parents[4]
ELECTION = "mx-2015-d15"
SESSION_TIMEOUT_S = 6  # the embedded broker lets a group wait for half of it
LINGER_S = 2.0


@dataclass(frozen=True, slots=True)
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


def run_demo(wish: DemoOptions) -> bool:
    """Run one night; True where the delivery guarantee held.

    Raises:
        UsageError: the folder holds something else than an earlier demo, or there is no Java.
        PeerError: a server did not start, or the night got stuck.
    """
    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # the publisher tells its troubles
    console = Console(stderr=True)
    check_broker(wish.broker)
    scans = prepare_folder(wish.folder)
    render_night(wish, scans, console)
    with LocalStack(plan_stack(wish, scans), console.print) as stack:
        console.print("Waiting for the workers to share the partitions", style="dim")
        stack.wait_ready()
        if stack.dashboard_url:
            console.print(f"[bold]Live page: {stack.dashboard_url}[/]")
        for name, url in stack.metrics_urls.items():
            console.print(f"Metrics of {name}: {url}", style="dim")
        night = run_night(wish, scans, stack, console)
        truths = {row.scan_id: row.cells for row in read_truth(scans / TRUTH_FILE)}
        summary = to_json(night, grade(night.readings.values(), truths))
        summary["worker_restarts"] = stack.restarts
        Console().print(to_table(summary))
        _write(wish.json_file, summary)
        _report(stack, wish, scans, console)
        if wish.dashboard:
            _linger(console, stack.dashboard_url or "")
    return night.accounting.kept


def check_broker(broker: BrokerKind) -> None:
    """Tell what is missing for this broker before any sheet is drawn.

    Raises:
        UsageError: Apache Kafka is asked for, and Java, or its jars and Maven, are missing.
    """
    if broker == "kafka":
        check_tools()


def render_night(wish: DemoOptions, scans: Path, console: Console) -> None:
    """Draw every station's sheet into `scans`, with truth.csv and the election's files."""
    request = RenderOptions(
        out=scans,
        election=ELECTION,
        stations=wish.stations,
        seed=wish.seed,
        condition=wish.condition,
        inconsistent=wish.inconsistent,
        jobs=os.cpu_count() or 1,
    )
    with sheet_bar("Rendering", console) as progress:
        render(request, progress)


def run_night(wish: DemoOptions, scans: Path, stack: LocalStack, console: Console) -> NightResult:
    """Publish, wait until every scan has its outcome, and collect."""
    election = load_election(scans).election
    journal = wish.folder / "receipts.jsonl"
    receipts = publish_folder(stack.settings, scans, journal, wish.rate, console)
    wait_until_accounted(stack.settings, election, len(receipts), console)
    published = sum(1 for _ in scans.glob("*.jpg"))
    return close_night(stack.settings, election, published, receipts)


def plan_stack(wish: DemoOptions, scans: Path) -> StackPlan:
    """Servers, workers and settings of one night."""
    return StackPlan(
        folder=wish.folder,
        broker=wish.broker,
        workers=wish.workers,
        dashboard=wish.dashboard,
        settings={
            "election": str(scans.absolute()),
            "model_repo": str(REPOSITORY / "model_repo"),
            "session_timeout_s": str(SESSION_TIMEOUT_S),
        },
    )


def prepare_folder(folder: Path) -> Path:
    """An empty folder of our own; an earlier demo in it is removed. Returns that of the scans."""
    stamp = folder / ".tallywire-demo"
    if folder.is_dir() and any(folder.iterdir()) and not stamp.is_file():
        raise UsageError(f"{folder} is not empty and no earlier demo: choose another --folder")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    stamp.touch()
    return folder / "scans"


def _write(path: Path | None, summary: dict[str, Any]) -> None:
    if path:
        path.write_text(json.dumps(summary, indent=2) + "\n")


def _report(stack: LocalStack, wish: DemoOptions, scans: Path, console: Console) -> None:
    """The paper's figures of this night, beside its logs."""
    page = wish.folder / "report.html"
    found = make_report(stack.settings, None, None, scans / TRUTH_FILE)
    page.write_text(write_page(found), encoding="utf-8")
    console.print(f"Figures of the paper for this night: {page}")


def _linger(console: Console, url: str, wait: Callable[[float], object] = time.sleep) -> None:
    """Leave the page up while somebody can look at it."""
    if not sys.stdin.isatty():
        wait(LINGER_S)
        return
    console.print(f"[bold]The live page stays at {url} - Ctrl-C ends everything[/]")
    try:
        while True:
            wait(1.0)
    except KeyboardInterrupt:
        console.print("Ending every process")
