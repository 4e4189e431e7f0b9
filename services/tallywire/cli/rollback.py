"""`tallywire rollback`: viewers go back to the generation before."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from tallywire.cli.options import ElectionOption, KafkaOption, RedisOption
from tallywire.settings import load_settings


def rollback(
    expected: Annotated[
        str | None, typer.Option(help="Only if this one is live now (default: whichever is)")
    ] = None,
    election: ElectionOption = None,
    kafka: KafkaOption = None,
    redis: RedisOption = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write both sides and the difference there")
    ] = None,
) -> None:
    """Show the generation that was live before to every viewer at once.

    Warns where it is behind, lacks stations or has no worker, but goes back all the same. Twice is
    forward again.
    """
    from tallywire.replay.promotion import roll_back
    from tallywire.replay.promotion_report import tell, to_json

    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    moved = roll_back(load_settings(election=election, kafka=kafka, redis=redis), expected)
    if json_file:
        json_file.write_text(json.dumps(to_json(moved), indent=2) + "\n")
    tell(moved, Console())
