"""The refused scans on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tallywire.ledger.rejection_alert import RejectionAlert
from tallywire.rejected.overview import ReasonGroup
from tallywire.rejected.refused_scans import RefusedScan


def print_rejected(
    console: Console, groups: Sequence[ReasonGroup], generation: str, alert: RejectionAlert | None
) -> None:
    """The alert, where there is one, and a row for each reason."""
    if alert is not None:
        console.print(Text(alert.message, style="bold white on red"), soft_wrap=True)
    if groups:
        console.print(to_table(groups, generation))
    else:
        console.print(f"Nothing was rejected in generation {generation}.")


def to_table(groups: Sequence[ReasonGroup], generation: str) -> Table:
    """Reason, how many scans of how many stations, and the latest examples."""
    total = sum(group.scans for group in groups)
    table = Table(title=Text(f"{total:,} rejected scans of generation {generation}"))
    table.add_column("Reason", overflow="fold")
    table.add_column("Scans", justify="right")
    table.add_column("Stations", justify="right")
    table.add_column("Latest examples", overflow="fold")
    for group in groups:
        lines = "\n".join(_example(one) for one in group.examples)
        table.add_row(group.reason, f"{group.scans:,}", f"{len(group.stations):,}", Text(lines))
    return table


def _example(one: RefusedScan) -> str:
    rejection = one.rejection
    return (
        f"{rejection.published_at:%H:%M:%S} {one.station}"
        f" {(rejection.scan_id or 'no scan id')[:12]} {rejection.source}"
        f"\n  {rejection.reason.message}"
    )
