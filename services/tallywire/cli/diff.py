"""`tallywire diff`: two generations, sheet by sheet and district by district."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from tallywire.cli.options import ElectionOption, RedisOption
from tallywire.settings import load_settings


class DiffGrouping(StrEnum):
    """What the table shows a line of."""

    DISTRICT = "district"
    STATION = "station"
    REASON = "reason"


def diff(
    first: Annotated[str, typer.Argument(help="Generation before, for example g1")],
    second: Annotated[
        str | None, typer.Argument(help="Generation after (default: FIRST, against the live one)")
    ] = None,
    by: Annotated[
        DiffGrouping, typer.Option(help="What to show a line of")
    ] = DiffGrouping.DISTRICT,
    election: ElectionOption = None,
    redis: RedisOption = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write all three views there")
    ] = None,
) -> None:
    """Name the sheets whose reading changed, and what that does to totals and order of parties.

    Works at any time; a generation that is still behind lacks sheets, and is shown to.
    """
    from tallywire.replay.comparison import difference
    from tallywire.replay.diff_tables import by_district, by_reason, by_station, headline
    from tallywire.replay.json_values import difference_values

    found = difference(load_settings(election=election, redis=redis), first, second)
    if json_file:
        json_file.write_text(json.dumps(difference_values(found), indent=2) + "\n")
    console = Console()
    if found.stations:
        table = {
            DiffGrouping.DISTRICT: by_district,
            DiffGrouping.STATION: by_station,
            DiffGrouping.REASON: by_reason,
        }[by]
        console.print(table(found))
    console.print(headline(found), highlight=False, markup=False, soft_wrap=True)
