"""What a verification found, for people."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tallywire.verify.recount import Verification

MOST_STATIONS = 12


def print_verification(console: Console, found: Verification, sealed: str | None) -> None:
    """A table of numbers, the digest, and one plain sentence at the end."""
    console.print(_table(found, sealed))
    for problem in found.problems:
        console.print(Text(problem, style="red"), soft_wrap=True)
    if found.waiting:
        console.print(
            Text(
                f"{found.waiting:,} scans have no outcome yet: verify again when the ledger has"
                " caught up. If none is running behind, they are lost.",
                style="yellow",
            ),
            soft_wrap=True,
        )
    console.print(_verdict(found), soft_wrap=True)


def _table(found: Verification, sealed: str | None) -> Table:
    title = f"Generation {found.generation} of {found.election}"
    mark = "TEST - " if found.rehearsal else ""
    table = Table(title=Text(f"{mark}{title}"), show_header=False)
    outcomes = ", ".join(f"{number:,} {outcome}" for outcome, number in found.outcomes.items())
    rows = [
        ("recomputed from", found.told_by),
        ("scans", f"{found.scans:,}"),
        ("outcomes", outcomes or "none"),
        ("corrections", f"{found.corrections:,}"),
        ("messages told again", f"{found.repeated:,}"),
        ("stations with a record", f"{found.stations:,}"),
        ("districts", f"{found.districts:,}"),
        ("counters", f"{found.counters:,}"),
        ("SHA-256 recomputed", _spoken(found.digest)),
        ("compared with", found.compared_with or "nothing"),
        ("SHA-256 there", _spoken(found.claimed_digest or "-")),
    ]
    if sealed:
        rows.append(("SHA-256 of SHA256SUMS", _spoken(sealed)))
    for name, value in rows:
        table.add_row(name, Text(value, overflow="fold"))
    return table


def _spoken(digest: str) -> str:
    """In blocks of eight, to be read out over a telephone."""
    return " ".join(digest[at : at + 8] for at in range(0, len(digest), 8))


def _verdict(found: Verification) -> Text:
    if found.compared_with is None:
        return Text("Recomputed, and compared with nothing: compare the SHA-256 by phone.", "bold")
    difference = found.difference
    if difference is None:
        return Text(
            f"identical: {found.counters:,} counters of {found.districts} districts,"
            f" {found.stations:,} stations, {found.scans:,} scans",
            style="bold green" if found.is_good else "bold yellow",
        )
    stations = ", ".join(difference.stations[:MOST_STATIONS]) or "none"
    more = len(difference.stations) - MOST_STATIONS
    return Text(
        f"DIFFERENT: district {difference.district}, {difference.counter}: the topics give"
        f" {difference.rebuilt:,}, {found.compared_with} says {difference.claimed:,}."
        f" Stations behind it: {stations}{f' and {more} more' if more > 0 else ''}.",
        style="bold red",
    )
