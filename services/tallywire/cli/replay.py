"""`tallywire replay`: the topics once more, into another generation of the ledger."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from tallywire.cli.options import ElectionOption, KafkaOption, RedisOption, ServingOption
from tallywire.edge.signals import stop_on_signals
from tallywire.settings import load_settings

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
JsonFileOption = Annotated[
    Path | None, typer.Option("--json", help="Write what it came to there as well")
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
    json_file: JsonFileOption = None,
) -> None:
    """Read all scans and corrections again, beside the live count, into a generation of their own.

    Viewers see nothing of it until `tallywire promote`. Run the same command again to go on after
    an interruption. With --follow it keeps the generation current until Ctrl-C or SIGTERM; keep it
    running while the generation is to be promoted.

    Exit code: 0 the end was reached, 2 wrong usage, 130 ended before.
    """
    from tallywire.replay.json_values import ended_values
    from tallywire.replay.preparation import open_replay
    from tallywire.replay.progress_display import ReplayDisplay, words
    from tallywire.replay.replayer import ReplayListener, ReplayProgress
    from tallywire.replay.replayer import replay as run

    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # we tell of its troubles ourselves
    settings = load_settings(
        generation=to, election=election, kafka=kafka, redis=redis, serving=serving
    )
    opened = open_replay(settings, model, layout, begin)
    console = Console(stderr=True)
    stop = stop_on_signals()
    with ReplayDisplay(console, to) as display:
        about = opened.about
        verb = "Going on with" if opened.resumed else "Replaying into"
        display.say(f"{verb} {to}: {about.model_name}, from {about.begin}, {workers} worker(s)")

        def reached(look: ReplayProgress, seconds: float) -> None:
            display.say(
                f"{to} has reached the end of the topics: {look.done:,} scans"
                f" ({words(look)}), {seconds:,.1f} s in this run. Compare: tallywire diff {to}."
                f" Show it: tallywire promote {to}{' --partial' if about.is_partial else ''}"
            )
            if follow:
                display.follow(to)

        report = ReplayListener(display.say, display.show, reached)
        folder = logs or Path("run") / f"replay-{to}"
        ended = run(opened, workers, folder, report, stop, follow=follow)
    if json_file:
        json_file.write_text(json.dumps(ended_values(opened, ended), indent=2) + "\n")
    if not ended.reached_end:
        console.print(f"Ended before the end: run the same command again to go on with {to}")
        raise typer.Exit(INTERRUPTED)
