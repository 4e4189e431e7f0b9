"""`tallywire bench --backlog N`: N scans wait before the workers start. Does memory stay bounded,
and do the workers get through them as fast as through a burst?"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from tallywire.edge.output_files import write_json
from tallywire.edge.progress_bars import sheet_bar
from tallywire.edge.terminal import terminal
from tallywire.election.loading import load_election
from tallywire.errors import PeerError, UsageError
from tallywire.ledger.client import open_ledger
from tallywire.ledger.snapshot import audit, read_snapshot
from tallywire.settings import load_settings
from tallywire.workshop.bench.memory_watch import (
    MIB,
    WORKER_LIMIT_MIB,
    MemoryUse,
    MemoryWatch,
    complaints,
    sum_up,
)
from tallywire.workshop.bench.options import BenchOptions, render_sheets, stack_options
from tallywire.workshop.bench.queued_scans import queue_scans, write_election
from tallywire.workshop.demo.counting import OUTCOMES, count_accounted, wait_until_accounted
from tallywire.workshop.stack.broker_kind import BrokerKind
from tallywire.workshop.stack.local import LocalStack
from tallywire.workshop.stack.work_folder import empty_folder, locked_folder
from tallywire.workshop.synthetic.rendering import ELECTION
from tallywire.workshop.up.preflight import require_startable
from tallywire.workshop.up.up import plain_printer, quiet_clients, running_stack

DRAWN = 24  # different pictures
SPARE = 1.5  # disk or memory wanted for each byte that will be queued
BURST = 1000  # scans of the burst that the drain is held against, at most
WARM = 0.05  # share of a drain that passes before its clock starts: workers join one by one
REPORT_SAMPLE_S = 0.2


@dataclass(frozen=True, slots=True)
class Backlog:
    """What came of it. Rates are scans a second."""

    queued: int
    queued_bytes: int
    drain_per_s: float
    burst_per_s: float
    memory: Mapping[str, MemoryUse]
    outcomes: Mapping[str, int]
    differences: int  # of the ledger's audit
    complaints: Sequence[str]


def run_backlog(options: BenchOptions, queued: int) -> bool:
    """Queue, start the workers, watch, and print; True where memory stayed bounded and every scan
    has one outcome.

    Raises:
        UsageError: the folder holds something else, a program is missing, or room for the scans.
        PeerError: a server did not start, or the pipeline got stuck.
    """
    quiet_clients()
    console = terminal(stderr=True)
    require_startable(stack_options(options, ELECTION, options.workers), load_settings())
    with locked_folder(options.folder):
        empty_folder(options.folder)
        render_sheets(options, DRAWN, console)
        images = [path.read_bytes() for path in sorted(options.scans.glob("*.jpg"))]
        burst = min(BURST, queued)
        wanted_bytes = sum(map(len, images)) / len(images) * (queued + burst)
        require_room(wanted_bytes, options.broker, options.folder)
        election = write_election(options.scans, options.folder / "election", queued + burst)
        up = stack_options(options, str(election.absolute()), workers=0)
        with running_stack(up, plain_printer(console)) as stack:
            found = measure(stack, images, queued, burst, options.workers, console)
    summary = to_json(found, options.broker)
    terminal().print(to_table(summary))
    if options.json_file:
        write_json(options.json_file, summary)
    return bool(summary["bounded"] and summary["exact"])


def require_room(wanted_bytes: float, broker: BrokerKind, folder: Path) -> None:
    """Raise UsageError where the broker would not have room for the scans. The embedded one keeps
    them in memory, Apache Kafka on the disk of `folder`."""
    if broker == "kafka":
        free, place = shutil.disk_usage(folder).free, f"free on the disk of {folder}"
    else:
        free, place = psutil.virtual_memory().available, "of free memory (the embedded broker's)"
    if wanted_bytes * SPARE > free:
        raise UsageError(
            f"--backlog: {wanted_bytes / 1e9:.1f} GB of scans want {wanted_bytes * SPARE / 1e9:.1f}"
            f" GB {place}; there are {free / 1e9:.1f}. Queue fewer, or use --broker kafka"
        )


def measure(
    stack: LocalStack,
    images: Sequence[bytes],
    queued: int,
    burst: int,
    workers: int,
    console: Console,
) -> Backlog:
    """Queue on a stack without workers, drain, then a burst for comparison, then a report."""
    with MemoryWatch(stack) as watch:
        with sheet_bar("Queueing", console) as progress:
            sent_bytes = queue_scans(
                stack.settings, images, range(queued), lambda done: progress(done, queued)
            )
        from_s = time.monotonic()
        for _ in range(workers):
            stack.start_worker()
        drain_per_s, warm_s = drain(stack, 0, queued, console)
        to_s = time.monotonic()
        queue_scans(stack.settings, images, range(queued, queued + burst), lambda _: None)
        burst_per_s, _ = drain(stack, queued, queued + burst, console)
    memory = sum_up(watch.samples, from_s, to_s, warm_s)
    keeps = ("redis", "broker") if stack.plan.broker == "embedded" else ("redis",)
    outcomes, differences = check_ledger(stack)
    return Backlog(
        queued,
        sent_bytes,
        drain_per_s,
        burst_per_s,
        {**memory, "report": report_memory(stack)},
        outcomes,
        differences,
        complaints(memory, keeps),
    )


def drain(stack: LocalStack, before: int, after: int, console: Console) -> tuple[float, float]:
    """Wait until `after` scans are accounted for; scans a second, and since when: the monotonic
    second at which the first ones were."""
    settings = stack.settings
    election = load_election(settings.election).election
    wait_until_accounted(settings, election, before + max(1, int((after - before) * WARM)), console)
    with open_ledger(settings.redis, election) as ledger:
        start, start_s = count_accounted(ledger, settings.generation), time.monotonic()
    wait_until_accounted(settings, election, after, console)
    return (after - start) / max(1e-9, time.monotonic() - start_s), start_s


def check_ledger(stack: LocalStack) -> tuple[dict[str, int], int]:
    """Scans by outcome, and how many totals are not the sum of their stations."""
    settings = stack.settings
    election = load_election(settings.election).election
    with open_ledger(settings.redis, election) as ledger:
        snapshot = read_snapshot(ledger, settings.generation)
        differences = len(audit(ledger, settings.generation))
    return {one: snapshot.scans(one) if snapshot else 0 for one in OUTCOMES}, differences


def report_memory(stack: LocalStack) -> MemoryUse:
    """What `tallywire report` holds for a ledger of this size.

    Raises:
        PeerError: it failed.
    """
    page = stack.plan.folder / "report.html"
    command = [sys.executable, "-m", "tallywire", "report", "--out", str(page)]
    environment = {**psutil.Process().environ(), **stack.environment}
    samples_mib = []
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as report:
        while report.poll() is None:
            samples_mib.append(_resident_mib(report.pid))
            time.sleep(REPORT_SAMPLE_S)
    if report.returncode:
        raise PeerError(f"tallywire report ended with code {report.returncode}")
    return MemoryUse(max(samples_mib), max(samples_mib), max(samples_mib), len(samples_mib))


def to_json(found: Backlog, broker: BrokerKind) -> dict[str, Any]:
    """Everything measured, rounded to what the measurement can bear."""
    accounted = sum(found.outcomes.values())
    expected = found.queued + min(BURST, found.queued)
    return {
        "broker": broker,
        "queued": found.queued,
        "queued_mib": round(found.queued_bytes / MIB),
        "drain_per_second": round(found.drain_per_s, 1),
        "burst_per_second": round(found.burst_per_s, 1),
        "ratio": round(found.drain_per_s / found.burst_per_s, 3),
        "peak_mib_by_process": {name: round(one.peak_mib) for name, one in found.memory.items()},
        "first_half_mib": {name: round(one.early_mib) for name, one in found.memory.items()},
        "second_half_mib": {name: round(one.late_mib) for name, one in found.memory.items()},
        "worker_limit_mib": round(WORKER_LIMIT_MIB),
        "bounded": not found.complaints,
        "complaints": list(found.complaints),
        "outcomes": dict(found.outcomes),
        "exact": accounted == expected and not found.differences,
        "measured_at": time.strftime("%Y-%m-%d"),
    }


def to_table(summary: Mapping[str, Any]) -> Table:
    """The same for people."""
    title = f"Backlog: {summary['queued']} scans waited, {summary['queued_mib']} MiB"
    table = Table(title=f"{title}, broker: {summary['broker']}")
    table.add_column("")
    table.add_column("", justify="right")
    table.add_column("")
    table.add_row("drained at", f"{summary['drain_per_second']}/s", "what had waited")
    table.add_row("burst", f"{summary['burst_per_second']}/s", "published while workers run")
    table.add_row("ratio", f"{summary['ratio']:.2f}", "", style="bold")
    table.add_row("exact", "yes" if summary["exact"] else "NO", "one outcome for each scan")
    table.add_section()
    for name, peak in summary["peak_mib_by_process"].items():
        halves = f"{summary['first_half_mib'][name]} / {summary['second_half_mib'][name]} MiB"
        table.add_row(name, f"{peak} MiB", f"most; first / second half: {halves}")
    for complaint in summary["complaints"]:
        table.add_row("NOT BOUNDED", "", complaint, style="red")
    if summary["broker"] == "embedded":
        table.caption = "The embedded broker and Redis keep everything in memory by design."
    return table


def _resident_mib(pid: int) -> float:
    try:
        return psutil.Process(pid).memory_info().rss / MIB
    except psutil.Error:
        return 0.0
