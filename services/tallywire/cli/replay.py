"""`tallywire replay`: the topics once more, into another generation of the ledger."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tallywire.cli.options import (
    ElectionOption,
    JsonOption,
    KafkaOption,
    RedisOption,
    ServingOption,
)

INTERRUPTED = 130

ToOption = Annotated[str, typer.Option(help="Generation to build, for example g2")]
BeginOption = Annotated[
    str | None,
    typer.Option("--from", help="beginning, or a time (ISO 8601 with zone) (default: beginning)"),
]
ModelOption = Annotated[
    int | None, typer.Option(help="Model version to read with (default: the newest served)")
]
LayoutOption = Annotated[
    Path | None,
    typer.Option(help="Layout to read with, a file or a shipped id (default: the election's)"),
]
WorkersOption = Annotated[int, typer.Option(min=1, max=64, help="Worker processes")]
FollowOption = Annotated[
    bool,
    typer.Option("--follow/--once", help="Keep up with the topics, or end at their end"),
]
LogsOption = Annotated[
    Path | None, typer.Option(help="Folder for the workers' logs (default: run/replay-TO)")
]


def replay(
    to: ToOption,
    begin: BeginOption = None,
    model: ModelOption = None,
    layout: LayoutOption = None,
    workers: WorkersOption = 1,
    follow: FollowOption = True,
    logs: LogsOption = None,
    election: ElectionOption = None,
    kafka: KafkaOption = None,
    redis: RedisOption = None,
    serving: ServingOption = None,
    json_file: JsonOption = None,
) -> None:
    """Read all scans and corrections again, beside the live count, into a generation of their own.

    Viewers see nothing of it until `tallywire promote`. Run the same command again to go on after
    an interruption. With --follow it keeps the generation current until Ctrl-C or SIGTERM; keep it
    running while the generation is to be promoted.

    Exit code: 0 the end was reached, 2 wrong usage, 130 ended before.
    """
    from tallywire.edge.kafka_client import silence_kafka
    from tallywire.edge.output_files import write_json
    from tallywire.edge.signals import stop_on_signals
    from tallywire.replay.json_values import ended_values
    from tallywire.replay.session import ReplayOptions, replay_at_terminal
    from tallywire.settings import load_settings

    silence_kafka()
    settings = load_settings(
        {"generation": "--to"},
        generation=to, election=election, kafka=kafka, redis=redis, serving=serving,
    )  # fmt: skip
    options = ReplayOptions(
        model=model, layout=layout, begin=begin, workers=workers, follow=follow, logs=logs
    )
    opened, ended = replay_at_terminal(settings, options, stop_on_signals())
    if json_file:
        write_json(json_file, ended_values(opened, ended))
    if not ended.reached_end:
        raise typer.Exit(INTERRUPTED)
