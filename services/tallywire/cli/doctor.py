"""`tallywire doctor`: says what is wrong and what to do, before the night does."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tallywire.cli.options import ElectionOption, ServingOption
from tallywire.settings import load_settings


def doctor(
    election: ElectionOption = None,
    kafka: Annotated[
        str | None, typer.Option(help="Bootstrap servers, host:port[,host:port...]")
    ] = None,
    redis: Annotated[str | None, typer.Option(help="Redis URL")] = None,
    serving: ServingOption = None,
    timeout_s: Annotated[
        float, typer.Option(min=0.2, max=60, help="Longest wait for one answer of a server")
    ] = 3.0,
    json_file: Annotated[
        Path | None, typer.Option("--json", dir_okay=False, help="Write the findings to this file")
    ] = None,
) -> None:
    """Check every part: machine, election, Kafka and its topics, model server, Redis.

    Exit code 1 if anything failed, 0 otherwise; warnings do not count as failures.
    """
    from rich.console import Console

    from tallywire.doctor.examine import examine
    from tallywire.doctor.findings import Level, worst
    from tallywire.doctor.report import closing_line, findings_table, write_json

    settings = load_settings(election=election, kafka=kafka, redis=redis, serving=serving)
    findings = examine(settings, timeout_s)
    console = Console()
    console.print(findings_table(findings))
    console.print(f"\n[bold]{closing_line(findings)}[/]")
    if json_file:
        write_json(findings, json_file)
    if worst(findings) is Level.FAIL:
        raise typer.Exit(1)
