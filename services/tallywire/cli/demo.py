"""`tallywire demo`: a whole election night on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tallywire.cli.options import JsonOption
from tallywire.workshop.stack.broker_kind import BrokerKind
from tallywire.workshop.synthetic.conditions import ConditionName


def demo(
    stations: Annotated[
        int | None, typer.Option(min=1, help="Polling stations (default: all of the election)")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, max=16, help="Tally agents")] = 2,
    condition: Annotated[
        ConditionName, typer.Option(help="What happened to the sheets")
    ] = ConditionName.SCANNER,
    inconsistent: Annotated[
        float, typer.Option(min=0, max=1, help="Share of sheets that do not add up by themselves")
    ] = 0.02,
    broker: Annotated[
        BrokerKind,
        typer.Option(help="The one out of a wheel, or Apache Kafka itself (needs Java 17)"),
    ] = "embedded",
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same night")] = 2015,
    rate: Annotated[
        float | None,
        typer.Option(min=0.1, help="Scans a second (default: 12 with the page, else no limit)"),
    ] = None,
    dashboard: Annotated[
        bool, typer.Option(help="Show the live page; --no-dashboard ends by itself")
    ] = True,
    folder: Annotated[
        Path | None, typer.Option(help="Where sheets, logs and receipts go (default: run/demo)")
    ] = None,
    json_file: JsonOption = None,
) -> None:
    """One election night, end to end: render the sheets, start every server, publish, count.

    Everything runs on 127.0.0.1 and ends with this command; ports in use are replaced by others.
    With the dashboard it stays until Ctrl-C (where no terminal is attached, it ends by itself).

    With `--broker kafka` the night runs on Apache Kafka, which keeps its topics on disk. Its jars
    come through Maven the first time (43 MB), and then from a cache folder.

    Exit code: 0 only if nothing was lost or counted twice, 1 otherwise, 2 wrong usage.
    """
    from tallywire.workshop.demo.demo import DemoOptions, run_demo

    options = DemoOptions(
        stations=stations,
        workers=workers,
        condition=condition,
        inconsistent=inconsistent,
        seed=seed,
        rate=rate if rate else (12.0 if dashboard else None),
        dashboard=dashboard,
        folder=folder or Path("run/demo"),
        json_file=json_file,
        broker=broker,
    )
    if not run_demo(options):
        raise typer.Exit(1)
