"""Ceiling and pipeline on the same images in one run: only their ratio survives a noisy machine."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from tallywire.election.election import Election
from tallywire.publish.receipts import Receipt
from tallywire.workshop.bench.ceiling import Ceiling
from tallywire.workshop.demo.counting import publish_folder, wait_until_accounted
from tallywire.workshop.demo.result import collect_result
from tallywire.workshop.demo.summary import percentile
from tallywire.workshop.stack.local import LocalStack

MIB = 1024 * 1024
SAMPLE_EVERY_S = 0.2


@dataclass(slots=True)
class ProcessUsage:
    """CPU seconds spent and most memory held, by process."""

    cpu_s: dict[str, float] = field(default_factory=dict)
    peak_mib: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PipelineRun:
    """The same sheets through broker, workers, model server and Redis.

    `latencies_s` are of a second pass at half the measured rate: in a burst they would only
    measure the queue.
    """

    tallies_per_second: float
    latencies_s: Sequence[float]
    cpu_ms: Mapping[str, float]  # per tally, by process
    peak_mib: Mapping[str, float]
    scans: int


class Meter:
    """A context manager that watches a stack's processes."""

    def __init__(self, stack: LocalStack) -> None:
        self.usage = ProcessUsage()
        self._processes = {
            child.program.name: psutil.Process(child.pid) for child in stack.children
        }
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Meter:
        self._before = {name: _cpu_s(one) for name, one in self._processes.items()}
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self.usage.cpu_s = {
            name: _cpu_s(one) - self._before[name] for name, one in self._processes.items()
        }

    def _run(self) -> None:
        while not self._ended.wait(SAMPLE_EVERY_S):
            for name, one in self._processes.items():
                held = one.memory_info().rss / MIB
                self.usage.peak_mib[name] = max(held, self.usage.peak_mib.get(name, 0.0))


def measure_pipeline(
    stack: LocalStack, scans: Path, slow_scans: Path, election: Election, console: Console
) -> PipelineRun:
    """A burst for throughput, then other scans at half that rate for latency.

    Args:
        stack: running and ready.
        scans: folder of the sheets that the ceiling read.
        slow_scans: folder of other sheets for the same election.
    """
    run = stack.plan.folder
    with Meter(stack) as meter:
        receipts = publish_folder(stack.settings, scans, run / "burst.jsonl", None, console)
        wait_until_accounted(stack.settings, election, len(receipts), console)
        burst = collect_result(stack.settings, election, len(receipts), receipts)
    rate = len(receipts) / burst.seconds
    paced = publish_folder(stack.settings, slow_scans, run / "paced.jsonl", rate / 2, console)
    everything: list[Receipt] = [*receipts, *paced]
    wait_until_accounted(stack.settings, election, len(everything), console)
    night = collect_result(stack.settings, election, len(paced), paced)
    return PipelineRun(
        tallies_per_second=rate,
        latencies_s=night.latencies_s,
        cpu_ms={name: 1000 * s / len(receipts) for name, s in meter.usage.cpu_s.items()},
        peak_mib=meter.usage.peak_mib,
        scans=len(receipts),
    )


def to_json(ceiling: Ceiling, pipeline: PipelineRun) -> dict[str, Any]:
    """Everything measured, rounded to what the measurement can bear."""
    return {
        "cores": ceiling.cores,
        "scans": pipeline.scans,
        "ceiling_tallies_per_second": round(ceiling.tallies_per_second, 1),
        "pipeline_tallies_per_second": round(pipeline.tallies_per_second, 1),
        "ratio": round(pipeline.tallies_per_second / ceiling.tallies_per_second, 3),
        "latency_ms": {
            "p50": round(percentile(pipeline.latencies_s, 0.5) * 1000),
            "p99": round(percentile(pipeline.latencies_s, 0.99) * 1000),
        },
        "cpu_ms_by_stage": {k: round(v, 2) for k, v in ceiling.cpu_ms.items()},
        "cpu_ms_by_process": {k: round(v, 2) for k, v in pipeline.cpu_ms.items()},
        "peak_mib_by_process": {k: round(v) for k, v in pipeline.peak_mib.items()},
        "measured_at": time.strftime("%Y-%m-%d"),
    }


def to_table(summary: Mapping[str, Any]) -> Table:
    """The same for people."""
    table = Table(title=f"Bench: {summary['scans']} sheets, {summary['cores']} cores")
    table.add_column("")
    table.add_column("", justify="right")
    table.add_column("")
    ceiling, pipeline = "ceiling_tallies_per_second", "pipeline_tallies_per_second"
    table.add_row("ceiling", f"{summary[ceiling]}/s", "in-process on all cores, no broker")
    table.add_row("pipeline", f"{summary[pipeline]}/s", "publish to counted, end to end")
    table.add_row("ratio", f"{summary['ratio']:.2f}", "", style="bold")
    latency = summary["latency_ms"]
    note = "p50 / p99 at half that rate, acknowledged to counted"
    table.add_row("latency", f"{latency['p50']} / {latency['p99']} ms", note)
    table.add_section()
    for stage, cpu_ms in summary["cpu_ms_by_stage"].items():
        table.add_row(stage, f"{cpu_ms} ms", "CPU per tally, in-process")
    table.add_section()
    for name, cpu_ms in summary["cpu_ms_by_process"].items():
        held = summary["peak_mib_by_process"].get(name, 0)
        table.add_row(name, f"{cpu_ms} ms", f"CPU per tally in the pipeline; {held} MiB at most")
    return table


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
