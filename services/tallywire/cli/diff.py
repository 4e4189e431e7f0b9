"""`tallywire diff`: two generations, sheet by sheet and district by district."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from tallywire.cli.options import ElectionOption, JsonOption, RedisOption


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
    json_file: JsonOption = None,
) -> None:
    """Name the sheets whose reading changed, and what that does to totals and order of parties.

    Works at any time; a generation that is still behind lacks sheets, and is shown to. The JSON
    holds all three views.
    """
    from tallywire.edge.output_files import write_json
    from tallywire.edge.terminal import terminal
    from tallywire.replay.comparison import difference
    from tallywire.replay.diff_tables import print_difference
    from tallywire.replay.json_values import difference_values
    from tallywire.settings import load_settings

    found = difference(load_settings(election=election, redis=redis), first, second)
    if json_file:
        write_json(json_file, difference_values(found))
    print_difference(terminal(), found, by.value)
