"""`tallywire rejected`: the refused scans, their bytes, and once more after a fix."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tallywire.cli.options import ElectionOption, KafkaOption

if TYPE_CHECKING:
    from tallywire.ledger.rejection_alert import RejectionAlert
    from tallywire.rejected.overview import ReasonGroup
    from tallywire.rejected.refused_scans import RejectionFilter
    from tallywire.rejected.republishing import EnvelopeOverrides
    from tallywire.settings import Settings


def rejected(
    reason: Annotated[str | None, typer.Option(help="Only this reason's code")] = None,
    station: Annotated[str | None, typer.Option(help="Only scans that name this station")] = None,
    generation: Annotated[
        str | None, typer.Option(help="Build of the ledger [default: the live one, else g1]")
    ] = None,
    export: Annotated[
        Path | None, typer.Option(help="Write the bytes into this new folder, with a manifest.csv")
    ] = None,
    republish: Annotated[
        bool, typer.Option("--republish", help="Publish them again, once the cause is gone")
    ] = False,
    as_station: Annotated[
        str | None, typer.Option(help="With --republish: the scan belongs to this station")
    ] = None,
    as_content_type: Annotated[
        str | None, typer.Option(help="With --republish: it is of this type, say image/png")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before publishing")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Exit code 1 while the stop limit is passed")
    ] = False,
    examples: Annotated[int, typer.Option(min=1, max=100, help="Examples of each reason")] = 3,
    election: ElectionOption = None,
    kafka: KafkaOption = None,
    redis: Annotated[str | None, typer.Option(help="Redis URL")] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write what is listed there as well")
    ] = None,
) -> None:
    """List refused scans by reason; export their bytes; publish them again.

    --republish sends the original bytes with the original envelope. A scan that has been read
    since is left out, and one that is sent twice counts once, by its scan id.
    The stop limit (settings reject_alert_percent, _minutes and _least) is judged from the ledger.
    """
    from tallywire.rejected.overview import pile_up, reason_named, to_json
    from tallywire.rejected.refused_scans import RejectionFilter, read_refused
    from tallywire.rejected.republishing import EnvelopeOverrides
    from tallywire.rejected.saving import save
    from tallywire.settings import load_settings

    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    settings = load_settings(election=election, kafka=kafka, redis=redis)
    overrides = EnvelopeOverrides(as_station, as_content_type)
    _check_overrides(settings, overrides, republish=republish)
    generation, alert = _ledger(settings, generation, needed=check)
    choice = RejectionFilter(reason_named(reason), station, generation)
    piles = pile_up(read_refused(settings, choice), examples)
    _print(Console(), piles, generation, alert)
    if json_file:
        json_file.write_text(json.dumps(to_json(piles, alert), indent=2) + "\n")
    if export is not None:
        count = save(settings, read_refused(settings, choice), export)
        typer.echo(f"{count:,} scans in {export}, listed in manifest.csv")
    if republish:
        _republish(settings, choice, overrides, yes=yes)
    raise typer.Exit(1 if check and alert is not None else 0)


def _check_overrides(settings: Settings, overrides: EnvelopeOverrides, *, republish: bool) -> None:
    from tallywire.election.loading import load_election
    from tallywire.errors import UsageError
    from tallywire.wire.envelope import CONTENT_TYPES

    given = (overrides.station, overrides.content_type)
    if any(given) and not republish:
        raise UsageError("--as-station and --as-content-type need --republish")
    stations = load_election(settings.election).election.stations if overrides.station else {}
    if overrides.station and overrides.station not in stations:
        raise UsageError(f"--as-station {overrides.station}: the election has no such station")
    if overrides.content_type and overrides.content_type not in CONTENT_TYPES:
        known = ", ".join(CONTENT_TYPES)
        raise UsageError(f"--as-content-type {overrides.content_type}: choose one of {known}")


def _ledger(
    settings: Settings, generation: str | None, *, needed: bool
) -> tuple[str, RejectionAlert | None]:
    """The generation meant and its alert. The list itself needs no Redis."""
    from tallywire.errors import PeerError
    from tallywire.rejected.overview import current_alert, generation_meant
    from tallywire.rejected.refused_scans import FIRST

    try:
        name = generation or generation_meant(settings)
        return name, current_alert(settings, name)
    except PeerError as error:
        if needed:
            raise
        typer.echo(f"The stop limit is not known: {error}", err=True)
        return generation or FIRST, None


def _print(
    console: Console, piles: list[ReasonGroup], generation: str, alert: RejectionAlert | None
) -> None:
    if alert is not None:
        console.print(Text(alert.message, style="bold white on red"), soft_wrap=True)
    if not piles:
        console.print(f"Nothing was rejected in generation {generation}.")
        return
    total = sum(pile.scans for pile in piles)
    table = Table(title=f"{total:,} rejected scans of generation {generation}")
    for name in ("Reason", "Scans", "Stations", "Latest examples"):
        table.add_column(name, justify="right" if name in ("Scans", "Stations") else "left",
                         overflow="fold")  # fmt: skip
    for pile in piles:
        lines = [
            f"{one.rejection.published_at:%H:%M:%S} {one.station}"
            f" {(one.rejection.scan_id or 'no scan id')[:12]} {one.rejection.source}"
            f"\n  {one.rejection.reason.message}"
            for one in pile.examples
        ]
        table.add_row(
            pile.reason, f"{pile.scans:,}", f"{len(pile.stations):,}", Text("\n".join(lines))
        )
    console.print(table)


def _republish(
    settings: Settings, choice: RejectionFilter, overrides: EnvelopeOverrides, *, yes: bool
) -> None:
    from tallywire.errors import UsageError
    from tallywire.rejected.refused_scans import read_refused
    from tallywire.rejected.republishing import plan, republish

    planned = plan(settings, read_refused(settings, choice), overrides)
    for count, what in (
        (planned.read, "have been read since"),
        (planned.repeated, "are the same image once more"),
        (planned.empty, "have no bytes"),
    ):
        if count:
            typer.echo(f"{count:,} {what}: not sent")
    if overrides.station and len(planned.send) > 1:
        raise UsageError(
            f"--as-station fits one scan, but {len(planned.send)} are meant: narrow it down"
        )
    if not planned.send:
        typer.echo("Nothing to publish again.")
        return
    question = f"Publish {len(planned.send):,} scans again to {settings.topics.scans}?"
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError(f"{question} Say so with --yes.")
        typer.confirm(question, abort=True)
    count = republish(settings, planned.send, overrides)
    typer.echo(f"{count:,} scans are at the broker again.")
