"""`tallywire export`: evidence and totals as files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from tallywire.cli.options import ElectionOption, KafkaOption


def export(
    out: Annotated[Path, typer.Option(help="New folder to write")],
    election: ElectionOption = None,
    kafka: KafkaOption = None,
    redis: Annotated[str | None, typer.Option(help="Redis URL")] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write what was exported there as well")
    ] = None,
) -> None:
    """Write everything that an outsider needs to check the count, without a server.

    Readings, corrections and rejections as JSON lines (no images, but their SHA-256), the totals
    of every generation as JSON and as CSV per district, the election's files, and SHA256SUMS.
    Check it anywhere with `tallywire verify --from-folder FOLDER`.
    """
    from tallywire.results.export import export as write
    from tallywire.settings import load_settings

    done = write(load_settings(election=election, kafka=kafka, redis=redis), out)
    if json_file:
        body = {
            "folder": str(done.folder), "records": done.records, "settled": done.settled,
            "generations": list(done.generations), "sha256": done.sha256,
        }  # fmt: skip
        json_file.write_text(json.dumps(body, indent=2) + "\n")
    for file, count in done.records.items():
        typer.echo(f"{file:18} {count:>8,} records")
    typer.echo(f"generations        {', '.join(done.generations)}")
    typer.echo(f"{done.folder} is complete. SHA-256 of its SHA256SUMS, to compare by phone:")
    typer.echo(done.sha256)
    if not done.settled:
        typer.echo(
            "Counting went on meanwhile, so that totals and topics may be some scans apart:"
            " export again when the ledger rests.",
            err=True,
        )
