"""`tallywire bench`: ceiling, pipeline and their ratio in one run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from tallywire.sheet.render.conditions import ConditionName


def bench(
    sheets: Annotated[int, typer.Option(min=10, max=500, help="Sheets of the burst")] = 400,
    workers: Annotated[int, typer.Option(min=1, max=16, help="Tally agents")] = 2,
    condition: Annotated[
        ConditionName, typer.Option(help="What happened to the sheets")
    ] = ConditionName.SCANNER,
    broker: Annotated[
        Literal["embedded", "kafka"],
        typer.Option(help="The one out of a wheel, or Apache Kafka itself (needs Java 17)"),
    ] = "embedded",
    folder: Annotated[Path, typer.Option(help="Where sheets and logs go")] = Path("run/bench"),
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the figures there as well")
    ] = None,
) -> None:
    """Measure what this machine could read, what the pipeline counts, and the ratio of the two.

    Both read the same 200 dpi letter pages, in one run, since machines are noisy. The ceiling
    decodes, prepares and classifies in-process on all cores; the pipeline publishes to a broker
    and counts in Redis, with everything on this machine. Latency is measured in a second pass at
    half the pipeline's rate.
    """
    from tallywire.demo.benchmark import run_bench

    run_bench(sheets, workers, condition, broker, folder, json_file)
