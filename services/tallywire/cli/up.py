"""`tallywire up`: every server on this machine, for scans of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tallywire.cli.options import ElectionOption
from tallywire.settings import load_settings
from tallywire.workshop.stack.broker_kind import BrokerKind


def up(
    election: ElectionOption = None,
    broker: Annotated[
        BrokerKind | None,
        typer.Option(
            help="embedded forgets all when it ends; kafka (Java 17) keeps it"
            " (default: embedded, with --data kafka)"
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            file_okay=False,
            help="Keep topics and ledger there, and go on with them at the next start;"
            " needs the broker kafka (default with kafka: run/up-kafka)",
        ),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, max=16, help="Tally agents")] = 2,
    dashboard: Annotated[bool, typer.Option(help="Show the live page")] = True,
    check: Annotated[
        bool, typer.Option("--check", help="Say what would start and what is missing, and end")
    ] = False,
) -> None:
    """Start broker, Redis, model server, workers and dashboard here, for scans of your own.

    Everything listens on 127.0.0.1 and ends with Ctrl-C, in order. Prints every address and the
    next commands to type; a port that is taken is replaced by another.

    What is kept: with the embedded broker nothing. It holds its topics in memory, so that topics
    and ledger both begin anew at each start (in run/up), and scans have to be published again.
    With `--broker kafka` both stay in `--data`, and the next start goes on where this one ended:
    same election, same ports, nothing read twice. Its jars come through Maven once (43 MB).

    Exit code: 0 ended by Ctrl-C, or --check found all that it needs; 1 a server failed; 2 wrong
    usage, or something is missing.
    """
    from tallywire.workshop.up.options import up_options
    from tallywire.workshop.up.up import check_up, run_up

    options = up_options(
        load_settings(election=election),
        broker=broker,
        data=data,
        workers=workers,
        dashboard=dashboard,
    )
    if not check:
        run_up(options)
    elif not check_up(options):
        raise typer.Exit(2)
