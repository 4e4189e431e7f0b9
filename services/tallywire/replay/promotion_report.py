"""What viewers saw before the pointer moved and see now, for people and as JSON."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tallywire.ledger.counters import CounterKind, CounterName, VoteState
from tallywire.ledger.snapshot import Snapshot
from tallywire.ledger.state import Outcome, Status
from tallywire.replay.diff_tables import by_district, headline
from tallywire.replay.json_values import difference_values
from tallywire.replay.promotion import Promotion

MOST_DISTRICTS = 20
COUNTING = (VoteState.ACCEPTED, VoteState.CORRECTED)
COUNTED_STATIONS = (Status.COUNTED, Status.CORRECTED)


def tell(moved: Promotion, console: Console) -> None:
    """Print the two sides, and the districts whose votes or order changed."""
    for warning in moved.warnings:
        text = Text.assemble(("Warning:", "bold yellow"), " ", warning)
        console.print(text, soft_wrap=True)
    console.print(to_table(moved))
    if moved.difference.districts:
        if len(moved.difference.districts) <= MOST_DISTRICTS:
            console.print(by_district(moved.difference))
        else:
            pair = f"{moved.before.generation} {moved.after.generation}"
            console.print(f"District by district: tallywire diff {pair}")
    console.print(headline(moved.difference), soft_wrap=True)
    console.print(f"Viewers follow {moved.after.generation} now. Keep its workers running.")


def to_table(moved: Promotion) -> Table:
    """Both sides, a line each."""
    table = Table(title="What viewers see", title_justify="left")
    table.add_column("")
    for heading in ("Generation", "Stations counted", "Held", "Votes", "Scans rejected"):
        table.add_column(heading, justify="right")
    for name, snapshot in (("before", moved.before), ("now", moved.after)):
        seen = totals(snapshot)
        table.add_row(name, snapshot.generation, *(f"{value:,}" for value in seen.values()))
    return table


def totals(snapshot: Snapshot) -> dict[str, int]:
    """Stations and votes over all districts and contests."""
    found = {"stations_counted": 0, "stations_held": 0, "votes": 0, "rejected": 0}
    for district in snapshot.districts.values():
        found["rejected"] += district.scans(Outcome.REJECTED)
        for text, value in district.totals.items():
            name = CounterName.parse(text)
            if name.kind is CounterKind.VOTES and name.state in COUNTING:
                found["votes"] += value
            elif name.kind is CounterKind.STATIONS and name.state in COUNTED_STATIONS:
                found["stations_counted"] += value
            elif name.kind is CounterKind.STATIONS and name.state == Status.HELD:
                found["stations_held"] += value
    return found


def to_json(moved: Promotion) -> dict[str, Any]:
    """Both sides and the whole difference."""
    return {
        "live": moved.after.generation,
        "before": {"generation": moved.before.generation, **totals(moved.before)},
        "now": {"generation": moved.after.generation, **totals(moved.after)},
        "warnings": list(moved.warnings),
        "difference": difference_values(moved.difference),
    }
