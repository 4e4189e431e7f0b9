"""`tallywire faults`: election nights on which something breaks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tallywire.cli.options import JsonOption
from tallywire.workshop.stack.broker_kind import BrokerKind


def faults(
    only: Annotated[
        list[str] | None, typer.Option(help="Only this fault; may be given several times")
    ] = None,
    short: Annotated[
        bool, typer.Option("--short", help="A few faults, each striking once or twice")
    ] = False,
    broker: Annotated[
        BrokerKind, typer.Option(help="kafka is Apache Kafka, which needs Java and keeps its log")
    ] = "embedded",
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same sheets and moments")] = 2015,
    folder: Annotated[Path, typer.Option(help="Where sheets and logs go")] = Path("run/faults"),
    json_file: JsonOption = None,
) -> None:
    """Break everything that can break while an election is counted, and see that nothing is lost.

    Each fault gets a night of its own: scans are published while it strikes, everything settles,
    and then the ledger in Redis is compared with what the topics alone say.

    Exit code: 0 only if every row says lost 0, double 0, identical; 1 otherwise, 2 wrong usage.
    """
    from tallywire.workshop.faults.suite import FaultsOptions, run_faults

    options = FaultsOptions(
        only=tuple(only or ()),
        short=short,
        broker=broker,
        seed=seed,
        folder=folder,
        json_file=json_file,
    )
    if not run_faults(options):
        raise typer.Exit(1)
