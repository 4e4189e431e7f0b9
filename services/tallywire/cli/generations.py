"""`tallywire generations`: every build of the ledger."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from tallywire.cli.options import ElectionOption, KafkaOption, RedisOption
from tallywire.settings import load_settings


def generations(
    election: ElectionOption = None,
    kafka: KafkaOption = None,
    redis: RedisOption = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the same there as JSON")
    ] = None,
) -> None:
    """List the generations: which one is live, how each was made, how far it is behind the topics.

    While the broker is away the lags are shown as "?".
    """
    from tallywire.replay.generation_list import list_all, to_json, to_table

    listing = list_all(load_settings(election=election, kafka=kafka, redis=redis))
    if json_file:
        json_file.write_text(json.dumps(to_json(listing), indent=2) + "\n")
    if listing.trouble:
        Console(stderr=True).print(f"Lags are not known: {listing.trouble}", markup=False)
    if listing.rows:
        Console().print(to_table(listing))
    else:
        typer.echo("No generation yet: the first worker opens one")
