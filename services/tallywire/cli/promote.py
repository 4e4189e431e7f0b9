"""`tallywire promote`: let viewers follow another generation."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from tallywire.cli.options import ElectionOption, KafkaOption, RedisOption
from tallywire.settings import load_settings


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
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write both sides and the difference there")
    ] = None,
) -> None:
    """Show another generation to every viewer at once, when it has all that was there by now.

    Refused while it is behind in scans or corrections, lacks a station that the live one has, or
    has no worker. The way back is `tallywire rollback`.

    Exit code: 0 done, 1 it is not fit to be seen, 2 wrong usage.
    """
    from tallywire.replay.promotion import AcceptedRisks
    from tallywire.replay.promotion import promote as move
    from tallywire.replay.promotion_report import tell, to_json

    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    settings = load_settings(election=election, kafka=kafka, redis=redis, generation=generation)
    moved = move(settings, generation, expected, AcceptedRisks(partial, unfollowed), wait)
    if json_file:
        json_file.write_text(json.dumps(to_json(moved), indent=2) + "\n")
    tell(moved, Console())
