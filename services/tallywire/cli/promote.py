"""`tallywire promote`: let viewers follow another generation."""

from __future__ import annotations

from typing import Annotated

import typer

from tallywire.cli.options import ElectionOption, JsonOption, KafkaOption, RedisOption


def promote(
    generation: Annotated[str, typer.Argument(help="Generation to show, for example g2")],
    expected: Annotated[
        str | None, typer.Option(help="Only if this one is live now (default: whichever is)")
    ] = None,
    wait: Annotated[float, typer.Option(min=0, help="Seconds that it may take to catch up")] = 10.0,
    partial: Annotated[
        bool, typer.Option("--partial", help="Even if it holds only scans since some time")
    ] = False,
    unfollowed: Annotated[
        bool, typer.Option("--unfollowed", help="Even if no worker follows it any more")
    ] = False,
    election: ElectionOption = None,
    kafka: KafkaOption = None,
    redis: RedisOption = None,
    json_file: JsonOption = None,
) -> None:
    """Show another generation to every viewer at once, when it has all that was there by now.

    Refused while it is behind in scans or corrections, lacks a station that the live one has, or
    has no worker. The way back is `tallywire rollback`.

    Exit code: 0 done, 1 it is not fit to be seen, 2 wrong usage.
    """
    from tallywire.edge.kafka_client import silence_kafka
    from tallywire.edge.output_files import write_json
    from tallywire.edge.terminal import terminal
    from tallywire.replay.promotion import AcceptedRisks
    from tallywire.replay.promotion import promote as move
    from tallywire.replay.promotion_report import tell, to_json
    from tallywire.settings import load_settings

    silence_kafka()
    settings = load_settings(
        {"generation": "GENERATION"},
        election=election, kafka=kafka, redis=redis, generation=generation,
    )  # fmt: skip
    moved = move(settings, generation, expected, AcceptedRisks(partial, unfollowed), wait)
    tell(moved, terminal())
    if json_file:
        write_json(json_file, to_json(moved))
