"""`tallywire rejected`: the refused scans, their bytes, and once more after a fix."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tallywire.cli.options import ElectionOption, JsonOption, KafkaOption, RedisOption

ExportOption = Annotated[
    Path | None, typer.Option(help="Write the bytes into this new folder, with a manifest.csv")
]
AsStationOption = Annotated[
    str | None, typer.Option(help="With --republish: the scan belongs to this station")
]
AsContentTypeOption = Annotated[
    str | None, typer.Option(help="With --republish: it is of this type, say image/png")
]


def rejected(
    reason: Annotated[str | None, typer.Option(help="Only this reason's code")] = None,
    station: Annotated[str | None, typer.Option(help="Only scans that name this station")] = None,
    generation: Annotated[
        str | None, typer.Option(help="Build of the ledger (default: the live one, else g1)")
    ] = None,
    export: ExportOption = None,
    republish: Annotated[
        bool, typer.Option("--republish", help="Publish them again, once the cause is gone")
    ] = False,
    as_station: AsStationOption = None,
    as_content_type: AsContentTypeOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before publishing")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Exit code 1 while the stop limit is passed")
    ] = False,
    examples: Annotated[int, typer.Option(min=1, max=100, help="Examples of each reason")] = 3,
    election: ElectionOption = None,
    kafka: KafkaOption = None,
    redis: RedisOption = None,
    json_file: JsonOption = None,
) -> None:
    """List refused scans by reason; export their bytes; publish them again.

    --republish sends the original bytes with the original envelope. A scan that has been read
    since is left out, and one that is sent twice counts once, by its scan id.
    The stop limit (settings reject_alert_percent, _minutes and _least) is judged from the ledger.
    """
    from tallywire.edge.kafka_client import silence_kafka
    from tallywire.edge.output_files import require_folder, write_json
    from tallywire.edge.terminal import terminal
    from tallywire.rejected.dialogue import check_overrides, republish_at_terminal
    from tallywire.rejected.display import print_rejected
    from tallywire.rejected.overview import group_by_reason, ledger_view, reason_named, to_json
    from tallywire.rejected.refused_scans import RejectionFilter, read_refused
    from tallywire.rejected.republishing import EnvelopeOverrides
    from tallywire.rejected.saving import save
    from tallywire.settings import load_settings

    silence_kafka()
    settings = load_settings(election=election, kafka=kafka, redis=redis)
    code, overrides = reason_named(reason), EnvelopeOverrides(as_station, as_content_type)
    check_overrides(settings, overrides, republish=republish)
    if export is not None:
        require_folder(export, "--export")
    notes = terminal(stderr=True)
    generation, alert = ledger_view(settings, generation, needed=check, say=notes.print)
    choice = RejectionFilter(code, station, generation)
    groups = group_by_reason(read_refused(settings, choice), examples)
    print_rejected(terminal(), groups, generation, alert)
    if json_file:
        write_json(json_file, to_json(groups, alert))
    if export is not None:
        count = save(settings, read_refused(settings, choice), export)
        typer.echo(f"{count:,} scans in {export}, listed in manifest.csv")
    if republish:
        republish_at_terminal(settings, choice, overrides, yes=yes)
    raise typer.Exit(1 if check and alert is not None else 0)
