"""`tallywire generations`: every build of the ledger, how it was made and where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table

from tallywire.edge.log_offsets import LogBounds
from tallywire.election.loading import load_election
from tallywire.errors import PeerError
from tallywire.ledger.generation_origin import GenerationOrigin
from tallywire.ledger.generations import list_generations, stored_offsets
from tallywire.ledger.snapshot import read_snapshot
from tallywire.replay.lag import lag, read_bounds
from tallywire.replay.peers import redis_answers
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
    with redis_answers(settings) as redis:
        for one in list_generations(redis, election.id):
            stored = stored_offsets(redis, election.id, one.name)
            snapshot = read_snapshot(redis, election, one.name)
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
            f"[bold]{row.name} live[/]" if row.live else row.name,
            _made(row.about),
            _number(row.scans_lag),
            _number(row.corrections_lag),
            *(_number(row.outcomes[name]) for name in OUTCOMES),
            _number(row.gaps),
        )
    return table


def to_json(listing: GenerationList) -> dict[str, Any]:
    """The same as JSON values."""
    return asdict(listing)


def _made(about: GenerationOrigin) -> str:
    layouts = sorted({f"{one.id} v{one.version}" for one in about.layouts.values()})
    read_with = ", ".join([about.model_name, *layouts])
    begin = f"\nfrom {about.begin}" if about.is_partial else ""
    when = about.created_at[:16].replace("T", " ")
    return f"{read_with}{begin}\nby {about.made_by} {about.code_version} {when}".rstrip()


def _number(value: int | None) -> str:
    return "?" if value is None else f"{value:,}"
