"""`tallywire bench`: ceiling, pipeline and their ratio in one run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tallywire.cli.options import JsonOption
from tallywire.workshop.stack.broker_kind import BrokerKind
from tallywire.workshop.synthetic.conditions import ConditionName


def bench(
    sheets: Annotated[int, typer.Option(min=10, max=500, help="Sheets of the burst")] = 400,
    workers: Annotated[int, typer.Option(min=1, max=16, help="Tally agents")] = 2,
    condition: Annotated[
        ConditionName, typer.Option(help="What happened to the sheets")
    ] = ConditionName.SCANNER,
    backlog: Annotated[
        int | None,
        typer.Option(min=20, max=500_000, help="Instead: let so many scans wait for the workers"),
    ] = None,
    broker: Annotated[
        BrokerKind,
        typer.Option(help="The one out of a wheel, or Apache Kafka itself (needs Java 17)"),
    ] = "embedded",
    folder: Annotated[Path, typer.Option(help="Where sheets and logs go")] = Path("run/bench"),
    json_file: JsonOption = None,
) -> None:
    """Measure what this machine could read, what the pipeline counts, and the ratio of the two.

    Both read the same 200 dpi letter pages, in one run, since machines are noisy. The ceiling
    decodes, prepares and classifies in-process on all cores; the pipeline publishes to a broker
    and counts in Redis, with everything on this machine. Latency is measured in a second pass at
    half the pipeline's rate.

    With `--backlog N`, N scans (variants of a few sheets, each of a station of its own) wait in the
    broker before the workers start. Told are the rate at which they are drained, beside that of a
    burst in the same run, and each process's memory, once a second: is it bounded? On
    `--broker kafka` the scans wait on disk (about 0.4 MB each), else in the broker's memory.

    Exit code: 0 done, 1 a backlog's memory was not bounded or a scan has no outcome, 2 wrong usage.
    """
    from tallywire.workshop.bench.options import BenchOptions

    options = BenchOptions(
        sheets=sheets,
        workers=workers,
        condition=condition,
        broker=broker,
        folder=folder,
        json_file=json_file,
    )
    if backlog is None:
        from tallywire.workshop.bench.bench import run_bench

        run_bench(options)
        return
    from tallywire.workshop.bench.backlog import run_backlog

    if not run_backlog(options, backlog):
        raise typer.Exit(1)
