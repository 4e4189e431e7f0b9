"""`tallywire worker`: the tally agent."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Annotated

import typer

from tallywire.cli.options import ElectionOption, KafkaOption, RedisOption, ServingOption


def worker(
    election: ElectionOption = None,
    generation: Annotated[
        str | None, typer.Option(help="Ledger generation to build, for example g2")
    ] = None,
    kafka: KafkaOption = None,
    redis: RedisOption = None,
    serving: ServingOption = None,
    model_version: Annotated[
        int | None, typer.Option(help="Pin one model version; the newest one if left out")
    ] = None,
    layout: Annotated[
        Path | None,
        typer.Option(help="Read with this layout (file or shipped id), not the election's own"),
    ] = None,
    rejected_bytes: Annotated[
        bool | None,
        typer.Option(help="Whether refused scans take their bytes to the rejected topic"),
    ] = None,
    in_flight: Annotated[int | None, typer.Option(help="Scans in memory at once")] = None,
    threads: Annotated[int | None, typer.Option(help="OpenCV threads")] = None,
    health_port: Annotated[
        int | None, typer.Option(help="Port of /healthz and /readyz on loopback; 0 lets us choose")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Look whether all peers answer, and end")
    ] = False,
) -> None:
    """Read scans as they arrive and count them, each exactly once.

    Joins the consumer group of this election and generation; start as many as you have cores, up
    to the number of partitions. Waits for whatever is away, for ever, and says so. Ends within ten
    seconds of SIGTERM; ended in any other way, it loses nothing.
    """
    from tallywire.edge.logs import configure_logs
    from tallywire.settings import load_settings

    settings = load_settings(
        election=election, generation=generation, kafka=kafka, redis=redis, serving=serving,
        model_version=model_version, layout=layout, rejected_bytes=rejected_bytes,
        in_flight=in_flight, threads=threads, health_port=health_port,
    )  # fmt: skip
    configure_logs(settings.log_level, as_json=settings.log_json)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    from tallywire.worker.peer_check import check_peers  # Faust, which logs as it is imported
    from tallywire.worker.worker import work

    asyncio.run(check_peers(settings) if check else work(settings))
