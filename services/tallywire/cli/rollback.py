"""`tallywire rollback`: viewers go back to the generation before."""

from __future__ import annotations

from typing import Annotated

import typer

from tallywire.cli.options import ElectionOption, JsonOption, KafkaOption, RedisOption


def rollback(
    expected: Annotated[
        str | None, typer.Option(help="Only if this one is live now (default: whichever is)")
    ] = None,
    election: ElectionOption = None,
    kafka: KafkaOption = None,
    redis: RedisOption = None,
    json_file: JsonOption = None,
) -> None:
    """Show the generation that was live before to every viewer at once.

    Warns where it is behind, lacks stations or has no worker, but goes back all the same. Twice is
    forward again.
    """
    from tallywire.edge.kafka_client import silence_kafka
    from tallywire.edge.output_files import write_json
    from tallywire.edge.terminal import terminal
    from tallywire.replay.promotion import roll_back
    from tallywire.replay.promotion_report import tell, to_json
    from tallywire.settings import load_settings

    silence_kafka()
    moved = roll_back(load_settings(election=election, kafka=kafka, redis=redis), expected)
    tell(moved, terminal())
    if json_file:
        write_json(json_file, to_json(moved))
