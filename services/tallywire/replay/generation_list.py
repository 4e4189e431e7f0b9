"""`tallywire generations`: every build of the ledger, how it was made and where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table
from rich.text import Text

from tallywire.edge.log_offsets import LogBounds
from tallywire.edge.terminal import terminal
from tallywire.election.loading import load_election
from tallywire.errors import PeerError
from tallywire.ledger.client import open_ledger
from tallywire.ledger.generations import GenerationOrigin, to_values
from tallywire.ledger.snapshot import read_snapshot
from tallywire.replay.lag import lag, read_bounds
from tallywire.replay.replayer import OUTCOMES
from tallywire.settings import Settings


@dataclass(frozen=True, slots=True)
class GenerationRow:
    """One generation. The lags, in records, are None while the broker is away."""

    name: str
    live: bool
    about: GenerationOrigin
    scans_lag: int | None
    corrections_lag: int | None
    outcomes: Mapping[str, int]
    gaps: int


@dataclass(frozen=True, slots=True)
class GenerationList:
    """All generations; `trouble` says why the lags are not known."""

    election: str
    rows: tuple[GenerationRow, ...]
    trouble: str | None = None


def list_all(settings: Settings) -> GenerationList:
    """Every generation of the election.

    Raises:
        PeerError: Redis is away.
    """
    election = load_election(settings.election).election
    bounds, trouble = _bounds(settings)
    rows = []
    with open_ledger(settings.redis, election) as ledger:
        for one in ledger.generations():
            stored = ledger.next_offsets(one.name)
            snapshot = read_snapshot(ledger, one.name)
            outcomes = {name: snapshot.scans(name) if snapshot else 0 for name in OUTCOMES}
            lags = [
                None if bounds is None else lag(bounds, stored, topic)
                for topic in (settings.topics.scans, settings.topics.corrections)
            ]
            gaps = snapshot.gaps if snapshot else 0
            rows.append(
                GenerationRow(one.name, one.live, one.about, lags[0], lags[1], outcomes, gaps)
            )
    return GenerationList(election.id, tuple(rows), trouble)


def _bounds(settings: Settings) -> tuple[LogBounds | None, str | None]:
    try:
        return read_bounds(settings), None
    except PeerError as error:
        return None, str(error)


def print_generations(listing: GenerationList) -> None:
    """The list, or that there is none; why lags are not known goes to stderr."""
    if listing.trouble:
        terminal(stderr=True).print(f"Lags are not known: {listing.trouble}", soft_wrap=True)
    empty = "No generation yet: the first worker opens one"
    terminal().print(to_table(listing) if listing.rows else empty)


def to_table(listing: GenerationList) -> Table:
    """For people."""
    table = Table(title=f"Generations of {listing.election}", title_justify="left")
    table.add_column("Generation", no_wrap=True)
    table.add_column("Made", min_width=22)
    # Outcomes in the order of OUTCOMES, short enough for a terminal of 100 columns.
    for heading in ("Scans\nbehind", "Corr.\nbehind", "Counted", "Held", "Rej.", "Dupl.", "Gaps"):
        table.add_column(heading, justify="right")
    for row in listing.rows:
        table.add_row(
            Text(f"{row.name} live" if row.live else row.name, style="bold" if row.live else ""),
            _made(row.about),
            _number(row.scans_lag),
            _number(row.corrections_lag),
            *(_number(row.outcomes[name]) for name in OUTCOMES),
            _number(row.gaps),
        )
    return table


def to_json(listing: GenerationList) -> dict[str, Any]:
    """The same as JSON values."""
    rows = [{**asdict(row), "about": to_values(row.about)} for row in listing.rows]
    return {**asdict(listing), "rows": rows}


def _made(about: GenerationOrigin) -> str:
    layouts = sorted({f"{one.id} v{one.version}" for one in about.layouts.values()})
    read_with = ", ".join([about.model_name, *layouts])
    begin = f"\nfrom {about.begin}" if about.is_partial else ""
    when = about.created_at[:16].replace("T", " ")
    return f"{read_with}{begin}\nby {about.made_by} {about.code_version} {when}".rstrip()


def _number(value: int | None) -> str:
    return "?" if value is None else f"{value:,}"
